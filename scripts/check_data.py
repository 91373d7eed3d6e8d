"""Say what a folder of pictures holds, and what is wrong with it: on the screen, and in report.md.

python scripts/check_data.py dataset.path=my_sprites
"""

from pathlib import Path

from cli.app import command
from conf import Refusals
from data.base import split_by_id
from data.folder import Contents
from data.folder_check import CheckSettings, problems_report, report
from data.folder_source import Problems
from runtime.distributed import processes
from runtime.folders import new_folder
from runtime.settings import command_line
from training.forecast import forecast
from training.settings import TrainSettings


@command(CheckSettings)
def main(settings: CheckSettings, overrides: list[str]) -> None:
    name, problems = settings.dataset.collection, Problems(f"dataset.path={settings.dataset.path}")
    contents = settings.dataset.read(settings.data_root, problems)
    text = report(contents).to_markdown() if contents else problems_report(name, problems.lines)
    if contents and settings.forecast:
        text += "\n" + training(settings, contents)
    with new_folder(settings.out, Path("checks"), name) as folder:
        (folder / "report.md").write_text(text, encoding="utf-8")
    if contents is None:
        raise Refusals(f"{problems.where}, see {folder.as_posix()}/report.md", problems.lines)
    train = command_line("train.py", ["dataset=folder", *(o for o in overrides if o.startswith("dataset."))])
    print(f"{text}\nwritten: {folder.as_posix()}/report.md\ntrain on it with: {train}")


def training(settings: CheckSettings, contents: Contents) -> str:
    """What a training on these pictures takes, as Markdown."""
    with processes(settings.device) as here:
        try:
            splits = split_by_id(contents.dataset())
            return forecast(TrainSettings(dataset=settings.dataset), splits, here).to_markdown()
        except ValueError as error:
            return f"## Training\n\n{error}\n"


if __name__ == "__main__":
    main()
