"""Draw pictures that lie between two seeds, and between two requests: strip.png and strip.gif.

python scripts/interpolate.py seeds=3,8 attrs=male,glasses
python scripts/interpolate.py seeds=3,3 attrs=male "to=zombie,top hat" frames=9

All other arguments are those of sample.py, but for those that choose pictures; out=FOLDER names the folder.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cli.app import new_folder, number_list, refuse, script
from data.images import grid, save_gif, save_png
from inference.animation import interpolation
from inference.comparison import settings_of
from inference.job import prepare

ELSEWHERE = {
    "seed": "name the two seeds, as in seeds=3,8",
    **dict.fromkeys(("n", "rank", "keep", "of"), "frames=9 says how many pictures there are"),
    "from_image": "settings are not taken from a picture here; give its seed in seeds, and its attrs",
}


def main(own: dict[str, list[str]], base: list[str]) -> None:
    first, last = number_list("seeds", [*own["seeds"], "0,1"][0], 2)
    (count,) = number_list("frames", [*own["frames"], "9"][0], 1)
    to = [*own["to"], None][0]
    refuse(base, ELSEWHERE)
    drawing, notes = prepare(settings_of(base))
    print("\n".join(notes), end="\n" if notes else "")
    scale = drawing.settings["scale"]
    with new_folder([*own["out"], None][0], Path("films"), "interpolate") as out:
        pictures = interpolation(drawing, (first, last), to, count)
        record = {**drawing.record, "seeds": [first, last], "to": to}
        save_png(grid(pictures, count, scale, gap=scale), out / "strip.png", record)
        save_gif(pictures, out / "strip.gif", scale, rate=4)
    print(f"written: {out.as_posix()}/strip.png and strip.gif, {count} pictures")


if __name__ == "__main__":
    script(main, ("seeds", "to", "frames", "out"), __doc__)
