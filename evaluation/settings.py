"""The settings of evaluate.py: those that hold for all measures, and those of each under its name."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import create_model, model_validator

from conf import setting
from evaluation.bench import BenchSettings, MeasureSettings
from evaluation.measures import MEASURES

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
