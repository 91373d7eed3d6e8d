"""Draw the same seeds with one setting changed at a time: a labelled contact sheet, and a table of every cell.

python scripts/compare.py vary=steps:15,30,50 vary=w:1,3,7 seeds=0,1,2 attrs=male,glasses

Values are separated by commas outside of brackets, or by semicolons where they hold commas, as requests do. seeds says
which pictures, scale=4 how much the sheet enlarges them, and out=FOLDER names the folder. All other arguments are those
of sample.py and hold for every cell, but for those that choose pictures: seed, n, rank, keep, of and from_image.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tqdm import tqdm

from cli.app import new_folder, number_list, script
from inference.comparison import plan, run, write


def main(own: dict[str, list[str]], base: list[str]) -> None:
    if not own["vary"]:
        raise ValueError("vary: nothing varies; name a setting and its values, such as vary=w:1,3,7")
    seeds = number_list("seeds", [*own["seeds"], "0,1,2"][0])
    (scale,) = number_list("scale", [*own["scale"], "4"][0], 1, least=1)
    rows = plan(base, own["vary"])
    out = new_folder([*own["out"], None][0], Path("comparisons"), "compare")
    with out as folder, tqdm(total=len(rows), disable=None) as bar:
        results = run(rows, seeds, lambda row: bar.update(), on_note=bar.write)
        write(folder, results, seeds, scale)
    width = max(len(result.row.label) for result in results)
    for result in results:
        shown = "" if result.adherence is None else f"  adherence {result.adherence.mean().item():.3f}"
        told = f"{result.seconds:6.2f} s{shown}  distance {result.distance.mean().item():6.2f}"
        print(f"{result.row.label:>{width}}: {told}")
    print(f"written: {folder.as_posix()}/contact.png and cells.csv")


if __name__ == "__main__":
    script(main, ("vary", "seeds", "scale", "out"), __doc__)
