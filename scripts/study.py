"""Train and measure everything in docs/REPORT.md; what has metrics already is not repeated.

python scripts/study.py
python scripts/study.py jobs=2 only=[base,cosine]
"""

import sys

from cli.app import command
from scripts.studies.estimate import seconds
from scripts.studies.runner import chosen, left, run_all
from scripts.studies.settings import StudySettings


@command(StudySettings)
def main(settings: StudySettings, overrides: list[str]) -> None:
    runs = left(settings)
    print(f"{len(chosen(settings))} trainings, {len(runs)} of them without metrics in {settings.out}")
    if runs and settings.minutes is None and not settings.rehearsal:
        print(f"about {said(seconds(runs, settings))} on this machine with jobs={settings.jobs}", flush=True)
    failed = run_all(settings)
    if failed:
        print(f"failed: {', '.join(failed)}; why is in {settings.runs}/logs", file=sys.stderr)
        sys.exit(1)
    print(f"written: {settings.out}; python scripts/report.py writes docs/REPORT.md from it")


def said(duration: float) -> str:
    """A duration in words."""
    hours, minutes = divmod(round(duration / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{max(minutes, 1)} min"


if __name__ == "__main__":
    main()
