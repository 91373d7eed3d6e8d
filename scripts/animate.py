"""Show a picture as it comes out of the noise: animation.gif, and a contact sheet.

python scripts/animate.py attrs=male,glasses seed=3 frames=10
python scripts/animate.py from_image=samples/cryptopunks/TIME/seed-000003.png

x_t stands above, the picture predicted from it below, from pure noise at t = T to the picture at t = 0, and on through
the final re-noising steps.
"""

from pathlib import Path

from cli.app import command
from data.images import save_gif, save_picture
from inference.animation import denoising, rows, side_by_side, spread
from inference.job import prepare
from inference.output import FRAME_PIXELS, announced, fitting, line
from inference.settings import AnimateSettings
from inference.weights import from_here
from runtime.folders import new_folder
from runtime.plots import labelled_rows


@command(AnimateSettings)
def main(settings: AnimateSettings, overrides: list[str]) -> None:
    job, notes = prepare(settings)
    print(*announced(job, notes), sep="\n")
    with new_folder(settings.out, Path("animations"), "animate") as out:
        frames = denoising(job, settings.seed)
        both = side_by_side(frames)
        save_gif(both, out / "animation.gif", fitting(settings.scale, len(both), both.shape[1:], FRAME_PIXELS))
        shown = spread(frames, settings.frames)
        scale = fitting(max(settings.scale // 2, 1), 2 * len(shown), job.pipe.image_shape)
        sheet = labelled_rows(rows(shown), ["x_t", "predicted x_0"], scale, heads=[frame.head for frame in shown])
        save_picture(sheet, out / "animation.png", {**job.record, "seed": settings.seed})
    print(line("written", f"{from_here(out).as_posix()}/animation.gif, {len(frames)} frames, and animation.png"))


if __name__ == "__main__":
    main()
