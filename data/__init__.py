"""Data sets, and the conditions a model can be asked for. Knows nothing of networks or noise."""
