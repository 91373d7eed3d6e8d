"""Sample the same seeds with one setting changed at a time: a labelled contact sheet, and a table of every cell.

python scripts/compare.py vary.steps=[5,30] vary.w=[1,7] seeds=[0,1,2] attrs=male,glasses

All other settings are those of sample.py and hold for every cell, but for those that choose pictures.
"""

from pathlib import Path

from tqdm import tqdm

from cli.app import command
from inference.comparison import base_of, plan, run, write
from inference.settings import CompareSettings
from runtime.folders import new_folder


@command(CompareSettings)
def main(settings: CompareSettings, overrides: list[str]) -> None:
    rows = plan(base_of(overrides), settings.vary)
    with new_folder(settings.out, Path("comparisons"), "compare") as folder, tqdm(total=len(rows), disable=None) as bar:
        results = run(rows, settings.seeds, lambda row: bar.update(), on_note=bar.write)
        write(folder, results, settings.seeds, settings.scale)
    width = max(len(result.row.label) for result in results)
    for result in results:
        shown = "" if result.adherence is None else f"  adherence {result.adherence.mean().item():.3f}"
        cost = f"{result.seconds:6.2f} s  NFE {result.evaluations:4d}"
        print(f"{result.row.label:>{width}}: {cost}{shown}  distance {result.distance.mean().item():6.2f}")
    print(f"written: {folder.as_posix()}/contact.png and cells.csv")


if __name__ == "__main__":
    main()
