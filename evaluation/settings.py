"""The settings of evaluate.py: those that hold for all measures, and those of each under its name."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import create_model, model_validator

from conf import setting
from evaluation.bench import BenchSettings, MeasureSettings
from evaluation.measures import MEASURES
from inference.one_step import WEIGHTS, unguided
from runtime.factory import Recipe

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

    def fitting(self, recipe: Recipe) -> Self:
        """Of each list of w, what weights without guidance, or with guidance inside, have."""
        given = {name: self.of(name) for name in MEASURES if "w" in type(self.of(name)).model_fields}

        def has(w: float) -> bool:
            return recipe.distill.nearest(w) == w if recipe.is_diffusion else w in WEIGHTS

        there = {name: list(filter(has, own.w)) for name, own in given.items()}
        own = self if recipe.is_diffusion else unguided(self)
        return own.replace(**{name: given[name].replace(w=ws) for name, ws in there.items() if ws})

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
