"""Images per second of a training on random pictures of any size: what a device gives before there are data.

python -m scripts.maintain.throughput 64 device=cuda model.channels=128 "model.channel_mults=[1,2,3,4]"
"""

import argparse
import time

import torch

from data.base import InMemoryDataset, Splits
from data.pixelfaces import SCHEMA
from runtime.device import hardware
from runtime.distributed import processes
from runtime.memory import refuse_impossible, size
from runtime.settings import compose
from scripts.maintain import in_one_line
from training.settings import TrainSettings
from training.trainer import CHECK_EVERY, Trainer

COUNT = 4096  # random pictures


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("side", type=int, help="height and width of the pictures")
    parser.add_argument("overrides", nargs="*", help="settings of train.py, such as train.batch_size=256")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long is measured, after a warm-up")
    return parser.parse_args()


def random_pictures(side: int) -> Splits:
    """Of colours and labels without meaning."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (COUNT, 3, side, side), generator=generator, dtype=torch.uint8)
    labels = torch.stack([torch.randint(n, (COUNT,), generator=generator) for n in SCHEMA.cardinalities], dim=1)
    return Splits(*[InMemoryDataset("random", images, labels, SCHEMA, None, torch.arange(COUNT))] * 3)


def main() -> None:
    args = parse()
    settings = compose(TrainSettings, args.overrides)
    with processes(settings.device) as here:
        shape = (3, args.side, args.side)
        refuse_impossible(settings, shape, SCHEMA, None, here.device, here.world_size)
        trainer = Trainer(settings, random_pictures(args.side), here)
        trainer.settle()
        done, began = 0, time.perf_counter()
        for step in range(settings.train.steps):
            if step == CHECK_EVERY:  # what compiles and allocates has done so
                done, began = 0, time.perf_counter()
            trainer.step(step, settings.train.steps)
            done += 1
            if step >= CHECK_EVERY and done % CHECK_EVERY == 0 and time.perf_counter() - began > args.seconds:
                break
        trainer.check()  # waits for the device
        speed = done * settings.train.batch_size / (time.perf_counter() - began)
        numbers = sum(p.numel() for p in trainer.model.parameters())
        on_gpu = here.device.type == "cuda"
        peak = f", at most {size(torch.cuda.max_memory_allocated(here.device))} of memory" if on_gpu else ""
        if here.is_main:
            print(
                f"{args.side} x {args.side}: {numbers / 1e6:.1f} M parameters, batches of {settings.train.batch_size}: "
                f"{speed:.1f} images/s{peak}; {trainer.how} on {hardware(here.device)}, {here.world_size} process(es)"
            )


if __name__ == "__main__":
    in_one_line(main)
