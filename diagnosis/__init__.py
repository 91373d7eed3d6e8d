"""Why a run's samples are noise, copies or deaf to their labels: figures, verdicts and remedies."""
