"""Draw the same seeds with one setting changed at a time: a labelled contact sheet, and a table of every cell.

python scripts/compare.py vary=steps:15,30,50 vary=w:1,3,7 seeds=0,1,2 attrs=male,glasses

All other arguments are those of sample.py and hold for every cell; out=FOLDER names the folder.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hydra.errors import HydraException
from tqdm import tqdm

from cli import new_folder
from comparison import plan, run, write


def main(arguments: list[str]) -> None:
    own = {"vary": [], "seeds": ["0,1,2"], "out": [None]}
    base = []
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key in own:
            own[key] = [*own[key], value] if key == "vary" else [value]
        else:
            base.append(argument)
    if not own["vary"]:
        raise ValueError("vary: nothing varies; name a setting and its values, such as vary=w:1,3,7")
    try:
        seeds = [int(seed) for seed in own["seeds"][0].split(",")]
    except ValueError:
        raise ValueError(f"seeds={own['seeds'][0]}: must be whole numbers with commas, such as seeds=0,1,2") from None
    rows = plan(base, own["vary"])
    with new_folder(own["out"][0], Path("comparisons"), "compare") as out, tqdm(total=len(rows), disable=None) as bar:
        results = run(rows, seeds, lambda row: bar.update())
        write(out, results, seeds)
    for result in results:
        shown = "" if result.adherence is None else f"  adherence {result.adherence.mean().item():.3f}"
        print(f"{result.row.label:>24}: {result.seconds:6.2f} s{shown}  distance {result.distance.mean().item():6.2f}")
    print(f"written: {out.as_posix()}/contact.png and cells.csv")


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
    else:
        try:
            main(sys.argv[1:])
        except (ValueError, HydraException) as error:
            raise SystemExit(f"compare.py: {'; '.join(str(error).split(chr(10)))}") from None
