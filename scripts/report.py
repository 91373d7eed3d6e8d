"""Write docs/REPORT.md and its figures from the metrics in docs/study, without training anything.

python scripts/report.py
"""

from pathlib import Path

from cli.app import command
from scripts.studies.report import write
from scripts.studies.sections import Page
from scripts.studies.settings import ReportSettings


@command(ReportSettings)
def main(settings: ReportSettings, overrides: list[str]) -> None:
    page = Page(Path(settings.out), Path(settings.images), Path(settings.metrics))
    for note in write(page):
        print(note)
    print(f"written: {settings.out} and figures in {settings.images}")


if __name__ == "__main__":
    main()
