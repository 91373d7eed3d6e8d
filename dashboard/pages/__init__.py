"""One page per file; each draws itself with `page()`."""
