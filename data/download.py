"""Data files that are fetched on first use: checked against their SHA-256, and written whole or not at all."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import urllib.request
import zlib
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from data.atomic import atomic

CHUNK = 1 << 16
TIMEOUT_S = 30


class DataFileError(ValueError):
    """A data file is missing and cannot be fetched, or is not the file it should be."""


@dataclass(frozen=True)
class DataFile:
    """One file below `data_root`, where it can be fetched, and the checksums it may have.

    Where `url` ends in .gz and `path` does not, the file is stored unpacked; `sha256` is that of what is stored. More
    than one checksum means that more than one public rendering of the file is in use; the first is fetched.
    """

    path: str
    url: str
    sha256: tuple[str, ...]

    def read(self, data_root: Path) -> bytes:
        """The content, fetched first if it is not there. Raises DataFileError if it is damaged."""
        place = data_root / self.path
        if not place.exists():
            self._fetch(place)
        try:
            content = place.read_bytes()
        except OSError as error:
            raise DataFileError(f"{place}: cannot be read ({error.strerror}); check its permissions") from error
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self.sha256:
            raise DataFileError(
                f"{place}: damaged or another file (sha256 {digest[:12]}…, expected {self.sha256[0][:12]}…, "
                f"{len(content)} bytes); move it away to have it fetched again from {self.url}"
            )
        return content

    def _fetch(self, place: Path) -> None:
        try:
            content = _download(self.url, place.name)
        except (OSError, http.client.HTTPException, EOFError, zlib.error) as error:  # URLError is an OSError
            raise DataFileError(
                f"{place}: not there, and {self.url} could not be fetched "
                f"({getattr(error, 'reason', error)}); put the file there by hand, or set data_root to the folder "
                "that holds it"
            ) from error
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.sha256[0]:
            raise DataFileError(
                f"{self.url}: what arrived is not the expected file (sha256 {digest[:12]}…, expected "
                f"{self.sha256[0][:12]}…), nothing was written; try again, or put the file at {place} by hand"
            )
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with atomic(place) as file:
                file.write(content)
        except OSError as error:
            raise DataFileError(f"{place}: cannot be written ({error.strerror}); choose another data_root") from error


def _download(url: str, name: str) -> bytes:
    """The content behind `url`, unpacked if it ends in .gz and the file `name` does not, with a progress bar."""
    received = bytearray()
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:
        total = int(response.headers.get("Content-Length") or 0) or None
        with tqdm(total=total, unit="B", unit_scale=True, desc=f"fetching {name}", disable=None) as bar:
            while chunk := response.read(CHUNK):
                received += chunk
                bar.update(len(chunk))
    return gzip.decompress(received) if url.endswith(".gz") and not name.endswith(".gz") else bytes(received)
