"""Copy a run's weights to checkpoints/ in half precision, as the weights that ship, and their classifier.

python scripts/ship.py runs/cryptopunks/main
"""

import argparse
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cli.app import in_one_line
from inference.weights import SHIPPED
from runtime.checkpoint import file_hash, load_tensors, read_info, save_weights
from training.run import Run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", help="the run directory")
    weights = Run(parser.parse_args().run).weights
    info = read_info(weights)
    target = SHIPPED / f"{info.dataset}.safetensors"
    save_weights(target, {name: tensor.half() for name, tensor in load_tensors(weights).items()}, info)
    size = target.stat().st_size / 1e6
    for classifier in Path("evaluations/classifiers").glob(f"{info.dataset}-classifier-{info.data_hash[:8]}.*"):
        shutil.copyfile(classifier, SHIPPED / classifier.name)
        print(f"{SHIPPED / classifier.name}: copied")
    print(f"{target}: {size:.1f} MB, step {info.step}, hash {file_hash(target)}, data {info.data_hash[:16]}")


if __name__ == "__main__":
    in_one_line(main)
