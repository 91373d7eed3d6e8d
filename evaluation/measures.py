"""What can be measured. A new measure is a file with a class of its settings, and a line here."""

from evaluation.adherence import Adherence
from evaluation.bench import Measure
from evaluation.detail import Detail
from evaluation.distribution import Distribution
from evaluation.edits import Edits
from evaluation.exact import ExactMatch
from evaluation.memorisation import Memorisation
from evaluation.speed import Speed
from evaluation.validity import Validity

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
