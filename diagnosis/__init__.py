"""Why a run's samples are noise or copies, or ignore their labels: figures, verdicts and remedies."""
