"""docs/REPORT.md: every section that has metrics, with its question, tables, figures and conclusion."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import yaml

from scripts.studies.chapters import families, few, lesson, phase_1, phase_2, phase_3, phase_4
from scripts.studies.larger import larger
from scripts.studies.runs import STUDIES, runs
from scripts.studies.sections import Page, Rows, ablation, details
from scripts.studies.variants import Study

CONCLUSIONS = "conclusions.yaml"  # beside the metrics: of each study, what was measured, in two sentences
ORIGIN = "origin.md"  # there too, where it is needed: what a reader should know of how the metrics came about


class Section(NamedTuple):
    """How a study is reported."""

    title: str
    question: str
    write: Callable[[Rows, Page], str] = ablation


SECTIONS = {
    "phase1": Section(
        "Phase 1: digits from noise",
        "`python train.py experiment=phase1_mnist`: an unconditional DDPM of 16 x 16 digits.",
        phase_1,
    ),
    "phase2": Section(
        "Phase 2: CryptoPunks, and how large a network they need",
        "`python train.py experiment=phase2_cryptopunks model.channels=16`, 32 and 64: the same data, and as many "
        "pictures, for three sizes.",
        phase_2,
    ),
    "phase3": Section(
        "Phase 3: classes",
        "`python train.py experiment=phase3_mnist_classes`: the embedding of the class is added to that of the time "
        "(`model.modulation=add`), stands beside it (`model.modulation=add model.label=concat`), or scales and shifts "
        "every block with it (the default). All with label dropout.",
        phase_3,
    ),
    "phase4": Section(
        "Phase 4: several attributes, with guidance",
        "`python train.py experiment=phase4_cryptopunks_attributes`: requests of several attributes, sampled with "
        "classifier-free guidance.",
        phase_4,
    ),
    "lesson": Section(
        "Conditioning on the label, pixelfaces: is an added embedding ignored, and does guidance fix it?",
        "The lesson that this project starts from: a label whose embedding is merely added is ignored, the loss "
        "falls all the same, and guidance fixes it. Here the data, the budget and the rest of the network stay the "
        "same; only the conditioning differs: (a) *added* to the time embedding, which is added to the channels of "
        "every block; (b) *concatenated* to it; (d) *modulated*: a scale and shift of every block; (e) *spatial*: "
        "that, and an embedding for every pixel. With *dropout*, a tenth of the labels is dropped whole "
        "(`cfg.drop_prob=0.1`), as in (c); without, guidance refers to an unconditional model that was never "
        "trained. What pictures show is read by an exact oracle. All of these networks were trained on complete "
        "labels, so those come first; requests, which leave most of fourteen fields open, are new to them.",
        lesson,
    ),
    "lesson-punks": Section(
        "Conditioning on the label, CryptoPunks",
        "The same ways of conditioning, with a larger network and one seed. Pictures are read by a classifier that "
        "has seen real training pictures only.",
        lesson,
    ),
    "schedule": Section("Linear or cosine schedule?", "`diffusion=cosine` against linear betas, T = 1000."),
    "T": Section(
        "How many noise steps, and must betas be scaled?",
        "T of the training; betas times 1000 / T, so that all end in noise, or as published for T = 1000 "
        "(`diffusion.scale_betas=false`), with which less than 1000 steps leave the picture visible at t = T. All are "
        "sampled in ten steps.",
    ),
    "prediction": Section(
        "eps, x_0, v, or colours of the palette?", "What the network predicts, `diffusion.prediction`."
    ),
    "drop_prob": Section(
        "How often should the label be dropped?", "`cfg.drop_prob`; half of the other labels keep one to five fields."
    ),
    "fields": Section(
        "Whole labels dropped, or single fields?",
        "Requests name one to five of fourteen fields. Label dropout forgets whole labels alone, or each field by "
        "itself, or all but one to five fields of half of the labels (the default); all drop a tenth of the labels "
        "whole.",
    ),
    "batchwise": Section(
        "Dropped for each sample, or for the whole batch?",
        "A tenth of the labels is dropped: of each sample by itself, or of all samples of a step at once "
        "(`cfg.batchwise=true`), as some implementations do.",
    ),
    "ema": Section(
        "How long an average of the weights?",
        "The decay of the EMA, `train.ema_decay`: none, a half-life of 7 steps, and more. Step t has one of at most "
        "(1 + t) / (10 + t), which after 600 steps is 0.985, a half-life of 46: so 0.99 and more are one average.",
    ),
    "network": Section("U-Net or DiT?", "`model=unet_small` and `model=dit_small`, as many parameters, about."),
    "families": Section(
        "Three families",
        "Diffusion, a conditional VAE and a conditional WGAN-GP (`baselines/`): the same pictures, labels, split, "
        "measures and number of steps. A step of the WGAN-GP has three updates of the critic, each on a batch of its "
        "own, and one of the generator.",
        families,
    ),
    "few-faces": Section(
        "How many pictures, and what pretrained weights are worth: pixelfaces",
        "`dataset.train_size=50`, 200, 1,000 and all 5,100 training pictures, from scratch or from the weights of the "
        "same small network after 400 steps on MNIST or CryptoPunks (`init_from=`). The colours of the palette are "
        "predicted. A training ends when its held-out loss has not fallen five times (`train.patience`), or after 400 "
        "steps, and keeps the weights of the lowest loss; that loss is of 200 pictures of the validation split, more "
        "than somebody with 50 pictures has. Novel: no training picture has the label that a sample shows.",
        few,
    ),
    "few-punks": Section(
        "How many pictures, and what pretrained weights are worth: CryptoPunks",
        "The same of 50, 200, 1,000 and 8,500 CryptoPunks, from scratch or from MNIST or pixelfaces, with 1,000 steps "
        "at most.",
        few,
    ),
    "larger": Section(
        "Pictures of 96 x 96: pixels, a cascade, or latents?",
        "`dataset=bigfaces`: pixelfaces at four times the size, with details that labels leave open. In as many "
        "minutes, a network learns all pixels, as x_0 or as colours of the palette; or one learns small pictures and "
        "another to enlarge them (`upsample=4`), as a diffusion or as a regression, which predicts the mean of all "
        "that is possible; or an autoencoder is trained, and a diffusion in its latents (`autoencoder=`). An exact "
        "oracle reads label and details. **Valid**: equal to one of the renderings of the slot in every pixel. "
        "**Variety**: entropy of the details of valid slots, as a share of the highest. **Same detail "
        "in both tries**: of slots that are valid in two samples of one label.",
        larger,
    ),
}

HEAD = """# Report

What this project set out to show, and what the choices of this code are worth, measured in small settings. Every table
has its command, seeds, minutes and hardware. `make report` writes this page from the metrics in [{metrics}]({link});
`make report-train` trains what has no metrics there yet, and `python scripts/study.py out=FOLDER` all of it again.

- **Asked for, met**: requests whose attribute is there; every value is asked for equally often, absence included.
  **Whole requests**: all that is named is there. **One named**: requests of one attribute alone.
- **Complete labels**: pictures of complete held-out labels that show every slot as asked for.
- **Valid**: samples that equal, pixel for pixel, the rendering of the attributes that the oracle reads from them;
  **wrong pixels**: how many of 576 differ from it. Where no picture of a table is valid, the column is left out.
- **FID**, **precision** (samples near real pictures) and **recall** (real pictures near samples) in the features of a
  classifier of the data set: they compare with no Inception FID, nor with those of another classifier. **Nearest-
  neighbour ratio**: how much more often each training picture is nearest to a sample than each held-out one; 1 without
  memorisation.
- Brackets: 95 % intervals of shares, by Wilson for one seed, by the bootstrap over seeds and requests for several; from
  the lowest to the highest seed for other figures. Where they overlap, a table does not say which row is better. The
  interval of one seed leaves out what another training would change, several points between two seeds: where one-seed
  rows differ beyond their intervals, that is a hint, not a result.
- Of pixelfaces, ten requests for each value, 490 in all, 300 complete labels, and 600 pictures for FID and recall (400
  where the number of training pictures varies). Of CryptoPunks and MNIST, 630 and 500 requests and 800 pictures; the
  row of real pictures is always of 600. Unless a table says otherwise, a row is `experiment=ablation`: a U-Net of 1.3 M
  parameters, AdamW, 600 steps of 128.
- Pictures are sampled in ten steps of DPM-Solver++(2M) with plain guidance, and quantised to the palette; open fields
  are left to the network. The trainings are short on purpose, so they do not show what longer ones would do.

"""


def write(page: Page) -> list[str]:
    """Write the report and its figures; returns what a person should look after."""
    for folder in (page.images, page.path.parent):
        folder.mkdir(parents=True, exist_ok=True)
    concluded = read_conclusions(page.metrics / CONCLUSIONS)
    parts, notes = [head(page)], []
    for study in STUDIES:
        rows = Rows.read(study, page.metrics)
        if len(rows.rows) < min(2, len(study.rows)):
            notes.append(f"{study.key}: no section, for want of metrics; python scripts/study.py makes them")
            continue
        section, said = SECTIONS[study.key], concluded.get(study.key, {})
        body = section.write(rows, page)
        notes += [f"{study.key}: {what}" for what in wrong_with(rows, said, digest(study, page.metrics), body)]
        parts.append(f"## {section.title}\n\n{section.question}\n\n{said.get('text', '').strip()}\n\n{body}\n")
    parts.append(not_yet(page.metrics))
    text = "\n".join(line.rstrip() for line in "".join(parts).split("\n"))
    page.path.write_text(text.rstrip() + "\n", encoding="utf-8")
    return notes


def wrong_with(rows: Rows, said: dict[str, str], now: str, body: str) -> list[str]:
    """Warnings about a section: a conclusion of other metrics than `now`, FIDs in `body` of several classifiers."""
    found = []
    if said.get("metrics") != now:
        found.append(f"no conclusion in {CONCLUSIONS} is of metrics {now}; look at its text again")
    mixed = [pooled.variant.name for pooled in rows.rows.values() if pooled.mixes_classifiers()]
    if mixed and "FID" in body:
        found.append(f"FID of {', '.join(mixed)} is in features of another classifier, or of one that is not known")
    return found


def head(page: Page) -> str:
    """What stands before all sections."""
    origin = page.metrics / ORIGIN
    said = origin.read_text(encoding="utf-8").strip() + "\n\n" if origin.exists() else ""
    return HEAD.format(metrics=page.metrics.as_posix(), link=page.to(page.metrics)) + said


def not_yet(folder: Path) -> str:
    """What the report leaves out, and what adds it."""
    every = runs()
    missing = [run.name for run in every if not (folder / f"{run.name}.json").exists()]
    if not missing:
        return ""
    return (
        f"## Not measured yet\n\n{len(missing)} of {len(every)} trainings have no metrics yet. `make report-train` "
        "goes on with them, the cheapest first, and says how long that will take; `make report` adds them here.\n\n"
        + details("Which", ", ".join(missing) + "\n")
    )


def read_conclusions(path: Path) -> dict[str, dict[str, str]]:
    """Of each study, the text, and the digest of the metrics that it was written for."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {} if path.exists() else {}


def digest(study: Study, folder: Path) -> str:
    """What the metrics of a study are known by."""
    hashed = hashlib.sha256()
    for run in study.runs:
        path = folder / f"{run.name}.json"
        hashed.update(path.read_bytes() if path.exists() else b"")
    return hashed.hexdigest()[:8]
