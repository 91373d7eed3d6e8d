"""Copy a run's weights to checkpoints/ in half precision, as the pretrained weights, and their classifier.

python -m scripts.maintain.ship runs/cryptopunks/main
"""

import argparse
import shutil

from inference.classifier import CLASSIFIERS, find
from inference.weights import PRETRAINED
from runtime.checkpoint import file_hash, load_tensors, read_info, save_weights
from scripts.maintain import in_one_line
from training.run import Run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", help="the run directory")
    weights = Run(parser.parse_args().run).weights
    info = read_info(weights)
    target = PRETRAINED / f"{info.dataset}.safetensors"
    save_weights(target, {name: tensor.half() for name, tensor in load_tensors(weights).items()}, info)
    size = target.stat().st_size / 1e6
    classifier = find(info.dataset, info.data_hash, [CLASSIFIERS])
    if classifier is not None:
        shutil.copyfile(classifier, PRETRAINED / classifier.name)
        print(f"{PRETRAINED / classifier.name}: copied")
    print(f"{target}: {size:.1f} MB, step {info.step}, hash {file_hash(target)}, data {info.data_hash[:16]}")


if __name__ == "__main__":
    in_one_line(main)
