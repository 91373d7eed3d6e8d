"""Measurement: what trained weights draw, against data they have never seen."""
