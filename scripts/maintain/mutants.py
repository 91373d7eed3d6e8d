"""Mutation tests: change the code that a wrong line would spoil silently, one place at a time, and see what notices.

python -m scripts.maintain.mutants                   # all groups; prints the table of docs/testing.md
python -m scripts.maintain.mutants training          # one
python -m scripts.maintain.mutants diffusion --only 'diffusion.schedule*'
python -m scripts.maintain.mutants evaluation --sample 250 --processes 1

Each group of files is mutated in a copy of the checkout, by mutmut, and judged by the tests of its own package alone,
which keeps a mutant that survives cheap. The copies are kept below mutants/, so that a run that was stopped goes on,
and `cd mutants/GROUP; mutmut show NAME` shows a mutant. A sample has the same mutants each time, a larger
one among them those of a smaller one, and is judged anew each time.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.stats import status_by_exit_code
from mutmut.utils.format_utils import get_mutant_name

from evaluation.intervals import wilson
from runtime.plots import percent, table
from scripts.maintain import in_one_line

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "mutants"
GROUPS = {
    "diffusion": (["diffusion", "conditions/dropout.py"], ["tests/diffusion", "tests/conditions/test_dropout.py"]),
    "checkpoint": (["runtime/checkpoint.py"], ["tests/runtime/test_checkpoint.py"]),
    "training": (["training/trainer.py", "training/loop.py", "training/ema.py"], ["tests/training"]),
    "evaluation": (
        [f"evaluation/{name}.py" for name in (
            "adherence", "baselines", "distribution", "edits", "exact", "hidden", "intervals", "memorisation",
            "metrics", "requests", "validity",
        )],
        ["tests/evaluation"],
    ),
}  # fmt: skip
LEFT_OUT = (  # processes that they start in an empty folder have no mutants
    "tests/training/test_resume.py::test_a_killed_run_continues_bit_for_bit",
    "tests/evaluation/test_evaluate.py::test_two_processes_finish_with_the_figures_of_one",
)
KILLED = ("killed", "timeout", "suspicious", "segfault")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], help="all of them if none is named")
    parser.add_argument("--only", nargs="*", default=[], help="names of mutants, with * for any characters")
    parser.add_argument("--sample", type=int, metavar="N", help="N mutants of each group, chosen at random")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="all cores if not given")
    args = parser.parse_args()
    rows = []
    for group in args.groups or GROUPS:
        copy = FOLDER / group
        prepare(copy, *GROUPS[group])
        names = sampled(copy, GROUPS[group][0], args.sample) if args.sample else args.only
        mutmut = Path(sys.executable).with_name("mutmut")
        subprocess.run([mutmut, "run", "--max-children", str(args.processes), *names], cwd=copy, check=True)
        rows += results(copy, names if args.sample else None)
    print(table(("file", "mutants", "killed", "survived", "no tests", "killed, share"), rows))


def prepare(copy: Path, sources: list[str], tests: list[str]) -> None:
    """A copy of the checkout as it is, changes included, and mutmut's settings for one group in it."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    also = sorted({Path(name).parts[0] for name in names if name} - {"tests"})
    arguments = ["--numprocesses=0", "-p", "no:cacheprovider", "-m", "not slow", *(f"--deselect={t}" for t in LEFT_OUT)]
    settings = {
        "source_paths": sources,
        "also_copy": also,
        "pytest_add_cli_args": arguments,
        "pytest_add_cli_args_test_selection": tests,
    }
    section = "\n".join(f"{name} = {json.dumps(value)}" for name, value in settings.items())
    project = copy / "pyproject.toml"
    project.write_text(f"{project.read_text(encoding='utf-8')}\n[tool.mutmut]\n{section}\n", encoding="utf-8")


def sampled(copy: Path, sources: list[str], n: int) -> list[str]:
    """The names of n of the mutants that mutmut makes of `sources`."""
    names = []
    with contextlib.chdir(copy):  # where mutmut finds its settings
        files = [file for path in map(Path, sources) for file in (path.rglob("*.py") if path.is_dir() else [path])]
        for file in files:
            mutated = mutate_file_contents(str(file), file.read_text(encoding="utf-8"))
            names += [get_mutant_name(file, name) for name in mutated.mutant_names]
    names.sort()
    random.Random(0).shuffle(names)
    return names[:n]


def results(copy: Path, sample: list[str] | None = None) -> list[list]:
    """A row for each file, from what mutmut left in the copy; of a sample, the shares with their intervals."""
    rows, total = [], Counter()
    for meta in sorted((copy / "mutants").rglob("*.py.meta")):
        codes = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"].items()
        codes = [code for name, code in codes if sample is None or name in sample]
        found = (status_by_exit_code[code] for code in codes if code is not None)
        counts = Counter("killed" if status in KILLED else status for status in found)
        name = meta.relative_to(copy / "mutants").as_posix().removesuffix(".meta")
        if counts:
            rows.append((name, counts))
            total += counts
    return [_row(name, counts, sample is not None) for name, counts in [*rows, (f"**{copy.name}**", total)]]


def _row(name: str, counts: Counter, is_sample: bool) -> list:
    number, killed = sum(counts.values()), counts["killed"]
    share = wilson(killed, number).percent if is_sample or not number else percent(killed / number)
    return [name, number, killed, counts["survived"], counts["no tests"], share]


if __name__ == "__main__":
    in_one_line(main)
