"""Measure trained weights: what they generate, and how fast.

python evaluate.py dataset=cryptopunks
python evaluate.py --help
"""

import contextlib
from pathlib import Path

from cli.app import command
from evaluation.bench import PLACES, Bench, data_of, refuse_seen
from evaluation.measures import applicable
from evaluation.report import write
from evaluation.samples import SampleCache, options_for
from evaluation.settings import EvaluateSettings
from inference.classifier import CLASSIFIERS
from inference.job import load_other
from inference.pipeline import Pipeline
from inference.weights import PRETRAINED, choose_checkpoint
from runtime.distributed import processes
from runtime.folders import new_folder
from runtime.settings import command_line, key_of

FOLDER = Path("evaluations")


@command(EvaluateSettings)
def main(settings: EvaluateSettings, overrides: list[str]) -> None:
    path = choose_checkpoint(settings.checkpoint, settings.dataset and settings.dataset.collection)
    with contextlib.ExitStack() as stack:
        here = stack.enter_context(processes(settings.device))
        how = (here.device, *settings.how[1:])
        pipe, guide = Pipeline.load(path, *how), load_other("guide", settings.guide, Pipeline.load, *how)
        settings = settings.fitting(pipe.recipe)
        pipe.refuse(settings, guide)
        refuse_seen(pipe, settings.split)
        if guide is not None:
            refuse_seen(guide, settings.split, "guide")
        splits = data_of(pipe, settings)
        bench = Bench(pipe, guide, splits, settings, (PRETRAINED, CLASSIFIERS))
        tell = lambda line: here.on_main(lambda: print(line))  # noqa: E731  once, however many processes
        measures = applicable(bench, settings.measure, settings.of, path, tell)
        folder = new_folder(settings.out, FOLDER / pipe.info.dataset, settings.split)
        out = here.on_main(lambda: stack.enter_context(folder))
        # Made in one process, which has the classifier and has it trained where there is none.
        sets = here.on_main(lambda: [samples for measure in measures.values() for samples in measure.sets])
        for samples in sets:
            options = options_for(settings, samples.w)
            pipe.refuse(pipe.resolved(options, samples.labels[:1], edited=bool(samples.edit)), guide)
        cache = SampleCache(pipe, FOLDER / "samples", settings, guide)
        here.on_main(lambda: print(f"weights: {path.as_posix()} ({pipe.info.dataset}, step {pipe.info.step:,})"))
        cost = cache.fill(sets, here)
        further = here.on_main(lambda: [s for measure in measures.values() for s in measure.further(cache.read)])
        cost += cache.fill(further, here)
        if here.is_main:
            record = write(out, bench, measures, cache, cost, typed(overrides), FOLDER / "test-split.jsonl")
            print(f"sampled: {cost.described}, NFE {record['nfe']} per picture at w = {settings.w:g}")
            print(f"written: {out.as_posix()}/report.md, metrics.json and figures")


def typed(overrides: list[str]) -> str:
    """The command, without what says only where."""
    return command_line("evaluate.py", [override for override in overrides if key_of(override) not in PLACES])


if __name__ == "__main__":
    main()
