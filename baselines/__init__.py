"""Two other families of generative models, on the same data, for comparison: a conditional VAE and a WGAN-GP.

Both map a latent vector and a label to a picture in one evaluation of a network. That is a denoiser which is evaluated
once, at pure noise, and predicts x_0, so whatever samples from a diffusion model samples from them too. Beside them, an
autoencoder, which is trained as they are, and in whose latents a diffusion can be.
A new family is a file with a class of settings, and a line here.
"""

from baselines.autoencoder import AutoencoderSettings
from baselines.base import BaselineSettings
from baselines.vae import VAESettings
from baselines.wgan_gp import WGANGPSettings

BASELINES = (VAESettings, WGANGPSettings, AutoencoderSettings)
__all__ = ["BASELINES", "BaselineSettings"]
