"""Draw a data set of smooth shapes, which is not pixel art, or read what samples of a model of it show.

python scripts/draw_shapes.py out=shapes n=4000
python train.py dataset=folder dataset.path=shapes model=auto diffusion.prediction=x_0
python sample.py dataset=shapes attrs=red,star,three w=3 n=50 out=stars
python scripts/draw_shapes.py read=stars
"""

from pathlib import Path

from cli.app import command
from data.shapes import ShapesSettings, write
from evaluation.shapes import report
from runtime.folders import new_folder


@command(ShapesSettings)
def main(settings: ShapesSettings, overrides: list[str]) -> None:
    if settings.read is not None:
        print(report(Path(settings.read)), end="")
        return
    with new_folder(settings.out, Path(), settings.out) as folder:
        write(settings, folder)
    print(f"written: {folder.as_posix()}, {settings.n:,} pictures of 64 x 64")
    print(f"check them with: python scripts/check_data.py dataset.path={folder.as_posix()}")


if __name__ == "__main__":
    main()
