"""What scripts/benchmark.py measures: a file for each part, each with `measure`, `report` and `summary`."""
