"""Train a diffusion model.

python train.py dataset=cryptopunks cfg.drop_prob=0.1
python train.py --help
"""

import sys

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from cli import app as cli
from training.loop import train


@cli.command("train")
def main(cfg: DictConfig) -> None:
    settings = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    outcome = train(settings, list(HydraConfig.get().overrides.task))
    if outcome.stopped_by:
        sys.exit(128 + outcome.stopped_by)  # as shells expect; a sweep ends here too


if __name__ == "__main__":
    main()
