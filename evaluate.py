"""Measure trained weights: what they draw, and how fast.

python evaluate.py dataset=cryptopunks
python evaluate.py --help
"""

import contextlib
import shlex
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from cli import app as cli
from data.base import Splits
from evaluation.adherence import Adherence
from evaluation.bench import Bench, check
from evaluation.distribution import Distribution
from evaluation.draws import Draws
from evaluation.edits import Edits
from evaluation.exact import ExactMatch
from evaluation.memorisation import Memorisation
from evaluation.report import write
from evaluation.speed import Speed
from inference.job import load_weaker
from inference.pipeline import Pipeline
from inference.weights import SHIPPED, choose_checkpoint
from runtime.distributed import processes
from runtime.factory import build_guidance, build_sampler, build_splits
from runtime.settings import whole

MEASURES = {
    "exact": ExactMatch,
    "adherence": Adherence,
    "distribution": Distribution,
    "memorisation": Memorisation,
    "edits": Edits,
    "speed": Speed,
}
FOLDER = Path("evaluations")


@cli.command("evaluate")
def main(cfg: DictConfig) -> None:
    settings = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    check(settings, tuple(MEASURES))
    sampler, guidance = build_sampler(settings["sampler"]), build_guidance(settings["guidance"])
    path = choose_checkpoint(settings["checkpoint"], settings["dataset"]["name"])
    with contextlib.ExitStack() as stack:
        here = stack.enter_context(processes(settings["device"]))
        pipe = Pipeline.load(path, here.device, settings["precision"])
        whole("steps", settings["steps"], 1, pipe.diffusion.schedule.T)
        weaker = load_weaker(settings, here.device)
        splits = data_of(pipe, settings["data_root"])
        bench = Bench(pipe, splits, settings["split"], settings, (SHIPPED, FOLDER / "classifiers"))
        measures = {name: MEASURES[name](bench) for name in settings["measure"] if MEASURES[name].applies(bench)}
        if not measures:
            raise ValueError(f"measure={settings['measure']}: {path} has no labels or palette that this needs")
        ws = [settings["w"], *(w for name in measures for w in settings[name].get("w", []))]
        pipe.refuse(guidance, sampler, weaker)
        for w in ws:
            guidance.refuse([w])
        folder = cli.new_folder(settings["out"], FOLDER / pipe.info.dataset, settings["split"])
        out = here.on_main(lambda: stack.enter_context(folder))
        here.on_main(lambda: bench.classifier and None)  # one process trains it, the others find it
        how = {key: settings[key] for key in ("steps", "spacing", "refine", "batch_size")}
        draws = Draws(pipe, FOLDER / "draws", sampler, guidance=guidance, weaker=weaker, **how)
        draws.draw([job for measure in measures.values() for job in measure.jobs], here)
        if here.is_main:
            write(out, bench, measures, draws, command())
            print(f"written: {out.as_posix()}/report.md, metrics.json and figures")


def command() -> str:
    """What was typed, without what says only where."""
    typed = HydraConfig.get().overrides.task
    return shlex.join(["python", "evaluate.py", *(o for o in typed if o.partition("=")[0] not in ("out", "data_root"))])


def data_of(pipe: Pipeline, data_root: str) -> Splits:
    """The pictures that the weights were trained on, with labels even if the training did without."""
    config = pipe.info.config
    return build_splits({**config, "cfg": {**config["cfg"], "conditional": True}, "data_root": data_root})


if __name__ == "__main__":
    main()
