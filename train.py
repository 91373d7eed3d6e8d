"""Train a diffusion model.

python train.py dataset=cryptopunks cfg.drop_prob=0.1
python train.py --help
"""

import sys

from cli.app import command
from training.loop import train
from training.settings import TrainSettings


@command(TrainSettings)
def main(settings: TrainSettings, overrides: list[str]) -> None:
    outcome = train(settings, overrides)
    if outcome.stopped_by:
        sys.exit(128 + outcome.stopped_by)  # as shells expect; a sweep ends here too


if __name__ == "__main__":
    main()
