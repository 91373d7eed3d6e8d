"""Training: from settings to weights."""
