"""Say why the samples of a run are noise, or ignore their labels: a line for each check, with figure and remedy.

python scripts/doctor.py run=runs/pixelfaces/demo
"""

from cli.app import command
from diagnosis.case import read
from diagnosis.checks import examine
from diagnosis.report import FOLDER, PICTURE, REPORT, conclusion, heading, lines, write
from diagnosis.settings import DoctorSettings
from runtime.folders import new_folder


@command(DoctorSettings)
def main(settings: DoctorSettings, overrides: list[str]) -> None:
    case = read(settings)
    with new_folder(settings.out, case.run.path / FOLDER, f"step-{case.step}") as folder:
        print(f"{heading(case)}\n")
        findings = examine(case)
        write(folder, case, findings, overrides)
        print(*lines(findings), sep="\n")
        print(f"\n{conclusion(findings)}\nwritten: {folder.as_posix()}/{REPORT} and {PICTURE}")


if __name__ == "__main__":
    main()
