"""Networks: integers and tensors in, tensors out. Knows nothing of data sets, noise schedules or files.

A new denoiser is a file with a class of settings, and a line here.
"""

from models.dit import DiTSettings
from models.unet import UNetSettings

MODELS = (UNetSettings, DiTSettings)
