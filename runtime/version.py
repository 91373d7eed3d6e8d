"""The version of this code: the release, and the commit where it is a checkout."""

import functools
import subprocess
from pathlib import Path

RELEASE = "0.1.0"


@functools.cache
def code_version() -> str:
    """Such as "0.1.0+3f2a1bc", with "-dirty" for a checkout with changes; "0.1.0" outside of git."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return RELEASE
    return f"{RELEASE}+{described.stdout.strip()}"
