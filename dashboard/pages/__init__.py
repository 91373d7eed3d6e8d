"""One page per file; `page()` shows it."""
