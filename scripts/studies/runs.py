"""All trainings of docs/REPORT.md, each declared once."""

from __future__ import annotations

from typing import NamedTuple

from scripts.studies.variants import Measures, Run, Study, Variant

# -- the small setting: pixelfaces, three seeds ----------------------------------------------------------------------

FACES = ("top hat,shades", "crown,full beard", "mohawk,pipe", "green,gold chain")
LESSON = Measures(w=(1.0, 2.0, 3.0, 5.0), progress=True, sheet=FACES)

NO_DROPOUT = ("cfg.drop_prob=0", "cfg.partial_prob=0")
WHOLE = ("cfg.partial_prob=0",)
ADDED = ("model.map_channels=0", "model.modulation=add")
BESIDE = (*ADDED, "model.label=concat")
MODULATED = ("model.map_channels=0",)


class Way(NamedTuple):
    """A way of conditioning on the label: overrides of train.py, and whether the report shows its sheets."""

    overrides: tuple[str, ...]
    shown: bool = False


WAYS = {
    "added": Way((*ADDED, *NO_DROPOUT), shown=True),
    "concatenated": Way((*BESIDE, *NO_DROPOUT)),
    "added, dropout": Way((*ADDED, *WHOLE), shown=True),
    "modulated": Way((*MODULATED, *NO_DROPOUT)),
    "modulated, dropout": Way((*MODULATED, *WHOLE)),
    "spatial": Way(NO_DROPOUT),
    "spatial, dropout": Way(WHOLE, shown=True),
}  # (a) to (e) of the lesson


def small(name: str, *overrides: str, measures: Measures = Measures()) -> Variant:  # noqa: B008  a tuple
    return Variant(name, ("experiment=ablation", *overrides), measures, seeds=3, seconds=400)


def ways(prefix: str, experiment: str, measures: Measures, seeds: int, seconds: int) -> dict[str, Variant]:
    def variant(name: str, way: Way) -> Variant:
        overrides = (f"experiment={experiment}", *way.overrides)
        return Variant(f"{prefix}-{name.replace(', ', '-')}", overrides, measures, seeds, seconds, way.shown)

    return {name: variant(name, way) for name, way in WAYS.items()}


BASE = small("base", measures=LESSON)
ON_FACES = ways("faces", "ablation", LESSON, seeds=3, seconds=600)
SAMPLEWISE = ON_FACES["spatial, dropout"]

ABLATIONS = (
    Study("schedule", {"linear": BASE, "cosine": small("cosine", "diffusion=cosine")}),
    Study(
        "T",
        {
            **{f"{T}, scaled betas": small(f"T{T}", f"diffusion.T={T}") for T in (100, 300, 500)},
            "1000": BASE,
            **{
                f"{T}, betas as published": small(f"T{T}-published", f"diffusion.T={T}", "diffusion.scale_betas=false")
                for T in (100, 300, 500)
            },
        },
    ),
    Study("prediction", {"eps": BASE, **{p: small(p, f"diffusion.prediction={p}") for p in ("x_0", "v", "palette")}}),
    Study(
        "drop_prob",
        {
            "0": small("drop0", "cfg.drop_prob=0"),
            "0.05": small("drop005", "cfg.drop_prob=0.05"),
            "0.1": BASE,
            "0.2": small("drop02", "cfg.drop_prob=0.2"),
            "0.5": small("drop05", "cfg.drop_prob=0.5"),
        },
    ),
    Study(
        "fields",
        {
            "whole labels": SAMPLEWISE,
            "each field by itself, 0.5": small("fields", "cfg.partial_prob=0", "cfg.field_prob=0.5"),
            "half of the labels keep 1 to 5 fields": BASE,
        },
    ),
    Study(
        "batchwise",
        {"each sample": SAMPLEWISE, "the whole batch": small("batchwise", *WHOLE, "cfg.batchwise=true")},
    ),
    Study(
        "ema",
        {
            "0": small("ema0", "train.ema_decay=0"),
            "0.9": small("ema7", "train.ema_decay=0.9"),
            "0.99": BASE,
            "0.998": small("ema346", "train.ema_decay=0.998"),
            "0.999": small("ema693", "train.ema_decay=0.999"),
        },
    ),
    Study("network", {"U-Net": BASE, "DiT": small("dit", "model=dit_small")}),
)

# -- the phases, and the lesson on CryptoPunks: one seed --------------------------------------------------------------

PUNKS = (
    "male,glasses", "female,hat", "zombie,top hat", "ape,3D glasses", "female,wild blonde,earring", "male,beard,-hat",
)  # fmt: skip
DIGITS = tuple(map(str, range(10)))
UNASKED = Measures(w=(), complete=0, pictures=800, sheet=("",) * 4, columns=10)

PHASE_1 = Variant("phase1", ("experiment=phase1_mnist",), UNASKED._replace(noising=True), seconds=500)
PHASE_2 = {
    f"{channels} channels": Variant(
        f"phase2-{channels}", ("experiment=phase2_cryptopunks", f"model.channels={channels}"), UNASKED,
        seconds=25 * channels,
    )
    for channels in (16, 32, 64)
}  # fmt: skip
CLASSES = Measures(w=(1.0, 2.0, 3.0), complete=0, pictures=800, sheet=DIGITS, columns=10)
PHASE_3 = {
    name: Variant(f"phase3-{name}", ("experiment=phase3_mnist_classes", *typed), CLASSES, seconds=500)
    for name, typed in (
        ("added", ("model.modulation=add",)),
        ("concatenated", ("model.modulation=add", "model.label=concat")),
        ("modulated", ()),
    )
}
ATTRIBUTES = LESSON._replace(pictures=800, sheet=PUNKS)
PHASE_4 = Variant("phase4", ("experiment=phase4_cryptopunks_attributes",), ATTRIBUTES, seconds=3600)
ON_PUNKS = ways("punks", "lesson_cryptopunks", ATTRIBUTES, seeds=1, seconds=1500)

# -- three families ---------------------------------------------------------------------------------------------------

FAMILY = Measures(sheet=FACES)
ONE_STEP = FAMILY._replace(w=(1.0,), diffuses=False)
BUDGET = ("train.steps=2500", "train.batch_size=128")
BASELINE = ("dataset=pixelfaces", *BUDGET, "optim.warmup=100")
VAE = (*BASELINE, "model=vae", "model.likelihood=palette", "optim.lr=2e-3", "train.ema_decay=0.99")
WGAN = (*BASELINE, "model=wgan_gp", "model.critic_steps=3", "train.ema_decay=0.999")

FAMILIES = {
    "diffusion": Variant("family-diffusion", ("experiment=ablation", *BUDGET, "train.keep=[]"), FAMILY, 3, 1500),
    "VAE": Variant("family-vae", VAE, ONE_STEP, 3, 700),
    "WGAN-GP": Variant("family-wgan", WGAN, ONE_STEP, 3, 2500),
}

# -- how many pictures it takes, and what pretrained weights are worth then: one seed ---------------------------------

SIZES = (50, 200, 1000, None)  # training pictures; None for all
FEWER = Measures(pictures=400)
QUICK = ("experiment=ablation", "optim=muon", "optim.lr=3e-3", "train.batch_size=64", "train.keep=[]")
PATIENT = ("train.patience=5", "train.validate_every=20", "train.validation_images=200")
COLOURS = "diffusion.prediction=palette"


def pretrained(name: str, *overrides: str) -> Variant:
    """Weights to start from, which are not measured."""
    return Variant(f"pretrained-{name}", (*QUICK, "train.steps=400", *overrides), FEWER)


FROM_MNIST = pretrained("mnist", "dataset=mnist", "dataset.image_size=24", "diffusion.prediction=v")
FROM_FACES = pretrained("faces", COLOURS)
FROM_PUNKS = pretrained("punks", "dataset=cryptopunks", COLOURS)


def by_size(dataset: str, steps: int, seconds: int, starts: dict[str, Variant | None]) -> dict[str, Variant]:
    """Trainings on so many pictures that end where the held-out loss is lowest, from scratch or from other weights."""

    def variant(size: int | None, start: Variant | None) -> Variant:
        some = () if size is None else (f"dataset.train_size={size}",)
        name = f"few-{dataset}-{size or 'all'}" + (f"-{start.name}" if start else "")
        typed = (*QUICK, f"dataset={dataset}", COLOURS, *PATIENT, f"train.steps={steps}", *some)
        return Variant(name, typed, FEWER, seconds=seconds, start=start)

    named = {"from scratch": None, **{f"from {name}": start for name, start in starts.items()}}
    return {
        f"{f'{size:,}' if size else 'all'}, {words}": variant(size, start)
        for size in SIZES
        for words, start in named.items()
    }


FEW_FACES = by_size("pixelfaces", 400, 400, {"MNIST": FROM_MNIST, "CryptoPunks": FROM_PUNKS})
FEW_PUNKS = by_size("cryptopunks", 1000, 900, {"MNIST": FROM_MNIST, "pixelfaces": FROM_FACES})

# -- larger pictures: three ways to 96 x 96, with as many minutes each ------------------------------------------------

LARGE = "experiment=larger"
SMALLER = (LARGE, "model.patch=2", "train.batch_size=64")  # of 24 x 24: small pictures, and latents
ENLARGING = (LARGE, "upsample=4", "model.attention_levels=[]")
DETAILED = Measures(detail=200)


def larger(name: str, *overrides: str, start: Variant | None = None, small: Variant | None = None) -> Variant:
    start_as = "autoencoder" if start else "init_from"
    return Variant(f"larger-{name}", overrides, DETAILED, seconds=1500, start=start, start_as=start_as, small=small)


SMALL = larger("small", *SMALLER, "dataset=pixelfaces", COLOURS, "train.steps=345")
ENCODER = larger(
    "encoder", "dataset=bigfaces", "model=autoencoder", "model.likelihood=palette", "optim=muon", "optim.lr=3e-3",
    "optim.schedule=trapezoid", "optim.warmup=50", "train.batch_size=16", "train.ema_decay=0.99", "train.steps=550",
    "train.validate_every=100",
)  # fmt: skip
MEAN = ("diffusion.prediction=x_0", "diffusion.times=[1000]")  # a regression
LARGER = {
    "pixels, x_0": larger("pixels-x0", LARGE, "diffusion.prediction=x_0", "train.steps=1575"),
    "pixels, colours": larger("pixels-colours", LARGE, COLOURS, "train.steps=1240"),
    "latents": larger("latents", *SMALLER, "diffusion.prediction=v", "train.steps=620", start=ENCODER),
    "cascade": larger("cascade", *ENLARGING, COLOURS, "train.steps=990", small=SMALL),
    "cascade with a regression": larger("regression", *ENLARGING, *MEAN, "train.steps=1050", small=SMALL),
}

STUDIES = (
    Study("phase1", {"32 channels": PHASE_1}),
    Study("phase2", PHASE_2),
    Study("phase3", PHASE_3),
    Study("phase4", {"attributes": PHASE_4}),
    Study("lesson", ON_FACES),
    Study("lesson-punks", ON_PUNKS),
    *ABLATIONS,
    Study("families", FAMILIES),
    Study("few-faces", FEW_FACES),
    Study("few-punks", FEW_PUNKS),
    Study("larger", LARGER),
)


def runs() -> list[Run]:
    """Each once: the first seed of everything before the second, and of a seed the cheapest first."""
    every = {run.name: run for study in STUDIES for run in study.runs}
    return sorted(every.values(), key=lambda run: (run.seed, run.variant.seconds))
