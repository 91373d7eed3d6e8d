"""Sample the same seeds with one setting changed at a time: a labelled contact sheet, and a table of every cell.

python scripts/compare.py vary.steps=[5,30] vary.w=[1,7] seeds=[0,1,2] attrs=male,glasses
python scripts/compare.py 'vary.attrs=["male,hat",zombie]' seeds=[0,1,2]

All other settings are those of sample.py and hold for every cell, but for those that choose pictures.
"""

from pathlib import Path

from tqdm import tqdm

from cli.app import command
from inference.comparison import base_of, plan, run, summary, write
from inference.settings import CompareSettings
from inference.weights import from_here
from runtime.folders import new_folder


@command(CompareSettings)
def main(settings: CompareSettings, overrides: list[str]) -> None:
    rows = plan(base_of(overrides), settings.vary)
    with (
        new_folder(settings.out, Path("comparisons"), "compare") as folder,
        tqdm(total=len(rows), unit="row", disable=None, leave=False) as bar,
    ):
        results = run(rows, settings.seeds, lambda row: bar.update(), on_note=bar.write)
        write(folder, results, settings.seeds, settings.scale)
    print(*summary(results), sep="\n")
    print(f"written: {from_here(folder).as_posix()}/contact.png and cells.csv")


if __name__ == "__main__":
    main()
