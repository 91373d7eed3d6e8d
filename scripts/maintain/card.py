"""Write the card of pretrained weights: how they were trained, and all that was measured.

python -m scripts.maintain.card evaluations/cryptopunks/final --run runs/cryptopunks/main
python -m scripts.maintain.card evaluations/cryptopunks/final --test evaluations/cryptopunks/test

The run says how; the folder that evaluate.py left says how good. Its pictures are copied to docs/images/. Without a
run, a card that is there already keeps what it says of the training, and takes the new figures. Figures of the test
split stand at the end, with how often that was used.
"""

import argparse
import json
import re
import shutil
from pathlib import Path

from inference.weights import PRETRAINED
from runtime.checkpoint import file_hash, load_tensors, read_info
from runtime.plots import table
from runtime.settings import command_line
from scripts.maintain import in_one_line
from training.run import Run

IMAGES = PRETRAINED.parent / "docs" / "images"
UNITS = {"torch": " (PyTorch)", "threads": " threads", "processes": " process(es)"}
PLACES = {"run", "data_root", "device", "resume", "train.checkpoint_every"}  # settings that say where, not what


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("evaluation", type=Path, help="the folder that evaluate.py wrote for the pretrained weights")
    parser.add_argument("--run", type=Path, help="the run directory that the weights come from")
    parser.add_argument("--test", type=Path, help="the folder that evaluate.py wrote of them with split=test")
    args = parser.parse_args()
    dataset, report = measured(args.evaluation)
    card, weights = PRETRAINED / f"{dataset}.md", PRETRAINED / f"{dataset}.safetensors"
    how = training(Run(args.run), weights) if args.run else training_in(card, weights)
    parts = [f"# {weights.name}\n\n{how}", with_pictures(report, args.evaluation, dataset)]
    if args.test:
        parts.append(in_short(measured(args.test)[1]))
    card.write_text("\n".join(parts), encoding="utf-8")
    print(f"{card}: written")


def measured(folder: Path) -> tuple[str, str]:
    """(data set, report) of an evaluation. Raises ValueError where it is not of the pretrained weights, or not of a
    clean commit."""
    record = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    weights = PRETRAINED / f"{record['dataset']}.safetensors"
    if file_hash(weights) != record["checkpoint"]:
        raise ValueError(f"{folder}: measured other weights than {weights.name}; evaluate those first")
    if record["code"].endswith("-dirty"):
        raise ValueError(f"{folder}: measured by {record['code']}; publish what a clean commit measured")
    return record["dataset"], (folder / "report.md").read_text(encoding="utf-8")


def training_in(card: Path, weights: Path) -> str:
    """What a card says of the training of these weights."""
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    how = text.partition("\n\n")[2].partition("\n## ")[0]
    if f"`{file_hash(weights)}`" not in how:
        raise ValueError(f"{card}: says nothing of the training of {weights.name}; name its run with --run FOLDER")
    return how


def training(run: Run, weights: Path) -> str:
    """How the weights were trained, as the run's configuration and status say."""
    info, config = read_info(weights), run.read_config()
    if read_info(run.weights).step != info.step:
        raise ValueError(f"{run}: stands at another step than {weights.name}; ship it first")
    sessions = run.sessions()
    dirty = sorted({session["code"] for session in sessions if session["code"].endswith("-dirty")})
    if not sessions or dirty:
        raise ValueError(f"{run}: {', '.join(dirty) or 'no record of its code'}; publish what a clean commit trained")
    status = json.loads(run.status.read_text(encoding="utf-8"))
    typed = [o for o in config["overrides"] if o.partition("=")[0] not in PLACES]
    batch, loss = config["train"]["batch_size"], status.get("held_out_loss")

    def of_all(*names: str) -> str:
        said = (", ".join(f"{session[name]}{UNITS.get(name, '')}" for name in names) for session in sessions)
        return " / ".join(dict.fromkeys(said))

    rows = [
        ("command", f"`{command_line('train.py', typed)}`"),
        *([("fine-tuned from", f"`{config['init_from']}`")] if config["init_from"] else []),
        ("code", of_all("code")),
        ("hardware", of_all("hardware", "torch")),
        ("computed", of_all("precision", "threads", "processes")),
        ("time", f"{sum(session['seconds'] for session in sessions) / 60:.0f} minutes of training steps"),
        ("images seen", f"{info.step * batch:,} ({info.step:,} steps of {batch})"),
        ("network", f"{sum(t.numel() for t in load_tensors(weights).values()) / 1e6:.1f} M parameters"),
        ("data", f"`{info.data_hash[:16]}`, the training split alone; held out by {info.splits}"),
        ("file", f"`{file_hash(weights)}`, {weights.stat().st_size / 1e6:.1f} MB, half precision"),
        ("held-out loss", "not measured" if loss is None else f"{loss:.5f}"),
    ]
    return table(("", ""), rows)


def with_pictures(report: str, folder: Path, dataset: str) -> str:
    """The report, one level of headings down, its pictures copied to docs/images/ and found there."""
    for name in re.findall(r"\]\((\w+\.png)\)", report):
        IMAGES.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, IMAGES / f"{dataset}-{name}")
        report = report.replace(f"]({name})", f"](../docs/images/{dataset}-{name})")
    return re.sub(r"^# Evaluation of .*$", "## Evaluation", report, flags=re.MULTILINE)


def in_short(report: str) -> str:
    """Of a report of the test split, how it was made and its figures, one level of headings down."""
    head, *sections = re.split(r"\n(?=## )", re.sub(r"!\[.*\]\(.*\)\n", "", report))
    shown = [f"#{section}" for section in sections if not section.startswith("## The classifier")]
    return "\n".join([re.sub(r"^# .*$", "## Test split", head, flags=re.MULTILINE), *shown])


if __name__ == "__main__":
    in_one_line(main)
