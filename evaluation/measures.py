"""What can be measured. A new measure is a file with a class of its settings, and a line here."""

from collections.abc import Callable, Sequence
from pathlib import Path

from evaluation.adherence import Adherence
from evaluation.bench import Bench, Measure, MeasureSettings
from evaluation.detail import Detail
from evaluation.distribution import Distribution
from evaluation.edits import Edits
from evaluation.exact import ExactMatch
from evaluation.memorisation import Memorisation
from evaluation.speed import Speed
from evaluation.validity import Validity
from inference.refusals import refuse_alone

MEASURES: dict[str, type[Measure]] = {
    "exact": ExactMatch,
    "adherence": Adherence,
    "validity": Validity,
    "distribution": Distribution,
    "memorisation": Memorisation,
    "edits": Edits,
    "detail": Detail,
    "speed": Speed,
}


def applicable(
    bench: Bench,
    wanted: Sequence[str],
    settings_of: Callable[[str], MeasureSettings],
    path: Path,
    tell: Callable[[str], None],
) -> dict[str, Measure]:
    """The measures wanted that make sense for these weights and pictures. Raises ValueError where none does.

    One that cannot be made is refused where it was asked for; else it is left out, and a person is told why.
    """
    upsampler = bench.pipe.recipe.upsample is not None
    if not upsampler:
        refuse_alone(bench.pipe)
    able = {name: measure for name, measure in MEASURES.items() if measure.enlarges or not upsampler}
    made: dict[str, Measure] = {}
    for name in (name for name in wanted if name in able and able[name].applies(bench)):
        try:
            made[name] = able[name](bench, settings_of(name))
        except ValueError as error:
            if list(wanted) != list(MEASURES) or settings_of(name) != able[name].Settings():
                raise
            tell(f"left out: {error}")
    if not made:
        lacks = (
            "is an upsampler, which measure=[detail] is for" if upsampler else "has no labels or palette that it needs"
        )
        raise ValueError(f"measure={list(wanted)}: {path} {lacks}")
    return made
