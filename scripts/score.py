"""Score pictures of held-out labels against the true ones; evaluation/benchmark has the task and the rules.

python scripts/score.py folder=my_pictures
python scripts/score.py split=validation
"""

from pathlib import Path

from cli.app import command
from evaluation.score import ScoreSettings, baselines, read_folder, scores
from runtime.factory import build_splits


@command(ScoreSettings)
def main(settings: ScoreSettings, overrides: list[str]) -> None:
    splits = build_splits(settings.dataset, settings.data_root)
    data, pictures = getattr(splits, settings.split), {}
    if settings.folder is not None:
        pictures[settings.folder] = read_folder(Path(settings.folder), data, settings.dataset.backdrop)
    print(f"{len(data)} pictures of the {settings.split} split of {settings.dataset.name}\n")
    print(scores(pictures | baselines(splits.train, data), data), end="")


if __name__ == "__main__":
    main()
