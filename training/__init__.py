"""Training: from a configuration to weights. The only package that brings data, models and diffusion together."""
