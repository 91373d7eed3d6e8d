"""Film a picture as it comes out of the noise: film.gif, and a contact sheet.

python scripts/film.py attrs=male,glasses seed=3 frames=10
python scripts/film.py from_image=samples/cryptopunks/TIME/seed-000003.png

Shows x_t above and the picture predicted from it below, from pure noise at t = T to the picture at t = 0, and on
through the rounds of refinement, "refined 1" and so on. frames is the number of columns of the sheet; the film has a
frame for every t, and for every round. All other arguments are those of sample.py, but for those that choose among
pictures; out=FOLDER names the folder.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from cli.app import new_folder, number_list, refuse, script
from data.images import save_gif, save_picture
from inference.animation import denoising, spread
from inference.comparison import settings_of
from inference.job import prepare
from inference.replay import settled
from runtime.plots import labelled_rows

CHOOSING = ("n", "rank", "keep", "of")


def main(own: dict[str, list[str]], base: list[str]) -> None:
    (columns,) = number_list("frames", [*own["frames"], "10"][0], 1, least=1)
    refuse(base, dict.fromkeys(CHOOSING, "a film shows one picture; name it with seed or from_image"))
    settings, _ = settled(settings_of(base), base)
    drawing, notes = prepare(settings)
    print("\n".join(notes), end="\n" if notes else "")
    seed, scale = drawing.settings["seed"], drawing.settings["scale"]
    with new_folder([*own["out"], None][0], Path("films"), "film") as out:
        frames = denoising(drawing, seed)
        both = torch.stack([torch.cat([frame.x_t, frame.x_0], dim=2) for frame in frames])
        save_gif(both, out / "film.gif", scale)
        shown = spread(frames, columns)
        rows = [torch.stack([frame.x_t for frame in shown]), torch.stack([frame.x_0 for frame in shown])]
        heads = [frame.head for frame in shown]
        sheet = labelled_rows(rows, ["x_t", "predicted x_0"], max(scale // 2, 1), heads=heads)
        save_picture(sheet, out / "film.png", {**drawing.record, "seed": seed})
    print(f"written: {out.as_posix()}/film.gif, {len(frames)} frames, and film.png")


if __name__ == "__main__":
    script(main, ("frames", "out"), __doc__)
