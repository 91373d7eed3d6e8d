"""onnxruntime-web, by which a page runs a network: fetched once by npm, and checked before each use."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from data.download import DataFileError

TIMEOUT_S = 300


@dataclass(frozen=True)
class NodePackage:
    """One version of a package of Node.js, kept below a folder as the archive that npm fetches.

    sha512 : of the archive, in base64, as lock files of npm have it
    """

    name: str
    version: str
    sha512: str

    @property
    def archive(self) -> str:
        return f"{self.name}-{self.version}.tgz"

    def read(self, root: Path, files: tuple[str, ...]) -> list[bytes]:
        """The content of files of the package; its archive is fetched below `root` if it is not there.

        Raises DataFileError where it cannot be fetched, or is not what it should be.
        """
        place = root / self.name / self.archive
        if not place.exists():
            self._fetch(place)
        content = place.read_bytes()
        digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
        if digest != self.sha512:
            raise DataFileError(
                f"{place}: damaged or another file (sha512 {digest[:12]}…, expected {self.sha512[:12]}…, "
                f"{len(content)} bytes); move it away to have it fetched again"
            )
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            return [archive.extractfile(f"package/{file}").read() for file in files]

    def _fetch(self, place: Path) -> None:
        npm, wanted = shutil.which("npm"), f"{self.name}@{self.version}"
        try:
            if npm is None:
                raise OSError("npm, which comes with Node.js, is not installed")
            place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=place.parent) as folder:
                command = [npm, "pack", wanted, "--silent", "--ignore-scripts", "--pack-destination", folder]
                done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
                if done.returncode:
                    raise OSError(next(iter(done.stderr.strip().splitlines()), "npm says nothing more"))
                (Path(folder) / self.archive).replace(place)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DataFileError(
                f"{place}: not there, and `npm pack {wanted}` could not fetch it ({error}); put the file there by "
                "hand, or set data_root to the folder that holds it"
            ) from error


# The last version with a build for one thread, which needs no shared memory: pages from the disk have none, and phones
# little. It is also the smallest.
ONNXRUNTIME_WEB = NodePackage(
    "onnxruntime-web",
    "1.18.0",
    "o1UKj4ABIj1gmG7ae0RKJ3/GT+3yoF0RRpfDfeoe0huzRW4FDRLfbkDETmdFAvnJEXuYDE0YT+hhkia0352StQ==",
)
SCRIPT, BINARY = "dist/ort.wasm.min.js", "dist/ort-wasm-simd.wasm"
