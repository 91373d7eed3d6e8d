"""Samplers: one step of the reverse process, from noise level t to a lower one s. A new one is a file and a line."""

from conf import one_of
from diffusion.samplers.base import Noise, Sampler
from diffusion.samplers.ddim import DDIM
from diffusion.samplers.ddpm import DDPM
from diffusion.samplers.dpmpp_2m import DPMSolverPP2M
from diffusion.samplers.euler import Euler, EulerAncestral
from diffusion.samplers.heun import Heun
from diffusion.samplers.unipc import UniPC

SAMPLERS = (DDPM, DDIM, Euler, EulerAncestral, Heun, DPMSolverPP2M, UniPC)
AnySampler = one_of(SAMPLERS)

__all__ = [
    "DDIM", "DDPM", "SAMPLERS", "AnySampler", "DPMSolverPP2M", "Euler", "EulerAncestral", "Heun", "Noise", "Sampler",
    "UniPC",
]  # fmt: skip
