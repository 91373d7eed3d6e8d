"""Two other families of generative models, on the same data, for comparison: a conditional VAE and a WGAN-GP.

Both map a latent vector and a label to a picture in one evaluation of a network. That is a denoiser which is evaluated
once, at pure noise, and predicts x_0, so whatever samples from a diffusion model samples from them too.
A new family is a file with a class of settings, and a line here.
"""

from baselines.base import BaselineSettings
from baselines.vae import VAESettings
from baselines.wgan_gp import WGANGPSettings

BASELINES = (VAESettings, WGANGPSettings)
__all__ = ["BASELINES", "BaselineSettings"]
