"""The command line: Hydra application, one-line errors, --help."""
