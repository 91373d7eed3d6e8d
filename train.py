"""Train a diffusion model.

python train.py dataset=cryptopunks cfg.drop_prob=0.1
python train.py --help
"""

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

import cli
from training.loop import train


@cli.command("train")
def main(cfg: DictConfig) -> None:
    settings = OmegaConf.to_container(cfg, resolve=True)
    train(settings, list(HydraConfig.get().overrides.task))


if __name__ == "__main__":
    main()
