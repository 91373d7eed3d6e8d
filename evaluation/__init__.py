"""Measurement: what trained weights generate, against data they have never seen."""
