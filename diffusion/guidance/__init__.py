"""Guidance: how the outputs for several conditions become one prediction. A new kind is a file and a line here."""

from conf import one_of
from diffusion.guidance.cfg import CFG, Fade, Interval
from diffusion.guidance.cfgpp import CFGPlusPlus
from diffusion.guidance.dynamic import DynamicThresholding
from diffusion.guidance.guided import base_weights, guided
from diffusion.guidance.rescale import Rescale

GUIDANCE = (CFG, Fade, Interval, Rescale, DynamicThresholding, CFGPlusPlus)
AnyGuidance = one_of(GUIDANCE)

__all__ = [
    "CFG", "GUIDANCE", "AnyGuidance", "CFGPlusPlus", "DynamicThresholding", "Fade", "Interval", "Rescale",
    "base_weights", "guided",
]  # fmt: skip
