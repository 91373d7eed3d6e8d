"""Scripts for maintainers of this project, run from the top: python -m scripts.maintain.card --help"""

import sys
from collections.abc import Callable
from pathlib import Path


def in_one_line(main: Callable[[], None]) -> None:
    """Run a script; what a person can fix is reported in one line, with exit status 1."""
    try:
        main()
    except (ValueError, OSError) as error:
        message = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)
        raise SystemExit(f"{Path(sys.argv[0]).name}: {'; '.join(message.split(chr(10)))}") from None
