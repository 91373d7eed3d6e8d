"""From weights to pictures: pipeline, sampling jobs, replays, rankings, comparisons, animations."""
