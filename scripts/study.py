"""Train and measure everything in docs/REPORT.md; what has metrics already is not repeated.

python scripts/study.py
python scripts/study.py jobs=2 only=[base,cosine]
"""

import sys

from cli.app import command
from runtime.settings import command_line, override
from scripts.studies.estimate import seconds
from scripts.studies.runner import chosen, left, run_all
from scripts.studies.settings import StudySettings
from training.forecast import in_words


@command(StudySettings)
def main(settings: StudySettings, overrides: list[str]) -> None:
    runs = left(settings)
    print(f"{len(chosen(settings))} trainings, {len(runs)} of them without metrics in {settings.out}")
    if runs and settings.minutes is None and not settings.rehearsal:
        print(f"about {in_words(seconds(runs, settings) / 60)} on this machine with jobs={settings.jobs}", flush=True)
    wrong, waiting = run_all(settings), left(settings)
    count = len(chosen(settings))
    print(f"{count - len(waiting)} of {count} have metrics in {settings.out}; {report_command(settings)}")
    if waiting and settings.minutes is None and not wrong:
        wrong = ["stopped before all were measured"]
    if wrong:
        print("\n".join([*wrong, "the same command goes on with what has no metrics yet"]), file=sys.stderr)
        sys.exit(1)


def report_command(settings: StudySettings) -> str:
    """How the metrics become a page: the published one, or one beside metrics that are elsewhere."""
    if settings.out == StudySettings().out:
        return "python scripts/report.py writes docs/REPORT.md from them"
    where = {"metrics": settings.out, "out": f"{settings.out}/REPORT.md", "images": f"{settings.out}/images"}
    typed = command_line("scripts/report.py", [override(*item) for item in where.items()])
    return f"{typed} writes a report from them"


if __name__ == "__main__":
    main()
