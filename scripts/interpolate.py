"""Sample pictures that lie between two seeds, and between two requests: strip.png and strip.gif.

python scripts/interpolate.py seeds=[3,8] attrs=male,glasses
python scripts/interpolate.py seeds=[3,3] attrs=male "to=zombie,top hat" frames=9
"""

from pathlib import Path

from cli.app import command
from data.images import grid, save_gif, save_png
from inference.animation import interpolation
from inference.job import prepare
from inference.output import FRAME_PIXELS, announced, fitting, line
from inference.settings import InterpolateSettings
from inference.weights import from_here
from runtime.folders import new_folder


@command(InterpolateSettings)
def main(settings: InterpolateSettings, overrides: list[str]) -> None:
    job, notes = prepare(settings)
    print(*announced(job, notes), sep="\n")
    with new_folder(settings.out, Path("animations"), "interpolate") as out:
        pictures = interpolation(job, settings.seeds, settings.to, settings.frames)
        record = {**job.record, "seeds": settings.seeds, "to": settings.to}
        scale = fitting(settings.scale, len(pictures), job.last.image_shape)
        save_png(grid(pictures, len(pictures), scale, gap=scale), out / "strip.png", record)
        scale = fitting(settings.scale, len(pictures), job.last.image_shape, FRAME_PIXELS)
        save_gif(pictures, out / "strip.gif", scale, rate=4)
    print(line("written", f"{from_here(out).as_posix()}/strip.png and strip.gif, {len(pictures)} pictures"))


if __name__ == "__main__":
    main()
