"""The settings of evaluate.py: those that hold for all measures, and those of each under its name."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import create_model, model_validator

from conf import setting
from evaluation.bench import BenchSettings, MeasureSettings
from evaluation.measures import MEASURES
from inference.one_step import WEIGHTS, unguided

Name = Literal[tuple(MEASURES)]
WithMeasures = create_model(
    "WithMeasures",
    __base__=BenchSettings,
    measure=(list[Name], setting(list(MEASURES), "what is measured, of these", min_length=1)),
    **{name: (measure.Settings, measure.Settings()) for name, measure in MEASURES.items()},
)


class EvaluateSettings(WithMeasures):
    """Measure trained weights: python evaluate.py dataset=cryptopunks"""

    program: ClassVar[str] = "evaluate"

    def of(self, measure: str) -> MeasureSettings:
        """The settings of one measure."""
        return getattr(self, measure)

    def unguided(self) -> Self:
        """For weights without guidance: of each w, what they have in its place."""
        given = {name: self.of(name) for name in MEASURES if "w" in type(self.of(name)).model_fields}
        there = {name: [w for w in own.w if w in WEIGHTS] for name, own in given.items()}
        return unguided(self).replace(**{name: given[name].replace(w=ws) for name, ws in there.items() if ws})

    @model_validator(mode="after")
    def _guidance_takes_every_w(self) -> Self:
        self.guidance.refuse([self.w])
        for name in self.measure:
            for w in self.of(name).weights:
                try:
                    self.guidance.refuse([w])
                except ValueError as error:
                    raise ValueError(f"{name}.{error}") from None
        return self
