"""A labelled sheet of samples: one row per request, the same seeds in every row.

python -m scripts.maintain.sheet cryptopunks docs/images/cryptopunks.png "male,glasses" "female,hat" --w 3
"""

import argparse
import time
from pathlib import Path

from inference.pipeline import Pipeline
from inference.weights import find_checkpoint
from runtime.plots import labelled_rows
from scripts.maintain import in_one_line


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dataset", help="whose newest weights sample, unless --checkpoint names some")
    parser.add_argument("out", type=Path, help="the PNG to write")
    parser.add_argument("requests", nargs="+", help='one per row, such as "male,glasses" or "any"')
    parser.add_argument("--w", type=float, nargs="+", default=[3.0], help="one for all rows, or one per row")
    parser.add_argument("--n", type=int, default=10, help="pictures per row")
    parser.add_argument("--steps", type=int, help="those that fit the weights, if left out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=int, default=3)
    parser.add_argument("--checkpoint", type=Path)
    return parser.parse_args()


def main() -> None:
    args = parse()
    path = args.checkpoint or find_checkpoint(args.dataset)
    pipe = Pipeline.load(path, "auto")
    guidances = args.w if len(args.w) > 1 else args.w * len(args.requests)
    if len(guidances) != len(args.requests):
        raise ValueError(f"--w: {len(guidances)} values for {len(args.requests)} rows; give one, or one per row")
    seeds = range(args.seed, args.seed + args.n)
    began = time.perf_counter()
    rows = [pipe(request, seeds, w=w, steps=args.steps) for request, w in zip(args.requests, guidances, strict=True)]
    seconds = time.perf_counter() - began
    labels = [r if len(args.w) == 1 else f"{r}   w = {w:g}" for r, w in zip(args.requests, guidances, strict=True)]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    labelled_rows(rows, labels, args.scale).save(args.out, optimize=True)
    print(f"{args.out}: {path} (step {pipe.info.step}), {len(rows) * args.n} pictures in {seconds:.1f} s")


if __name__ == "__main__":
    in_one_line(main)
