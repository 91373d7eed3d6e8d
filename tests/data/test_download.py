"""Data files: fetched once, checked always, written whole or not at all."""

import gzip
import hashlib
import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from data.download import DataFile, DataFileError

CONTENT = bytes(range(256)) * 1000  # more than one chunk
NAME = "set/raw/file.bin"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def data_file(url: str, *contents: bytes) -> DataFile:
    return DataFile(NAME, url, tuple(map(sha256, contents or (CONTENT,))))


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def damaged_gzip() -> bytes:
    """A gzip file whose header is intact and whose content is not."""
    packed = bytearray(gzip.compress(CONTENT))
    packed[20:40] = bytes(byte ^ 0xFF for byte in packed[20:40])
    return bytes(packed)


class Handler(BaseHTTPRequestHandler):
    """Serves a few files, some of them badly."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append(self.path)
        self.close_connection = True
        body = {
            "/file.gz": gzip.compress(CONTENT),
            "/damaged.gz": damaged_gzip(),
            "/cut.gz": gzip.compress(CONTENT)[:-9],
        }
        if self.path == "/missing":
            self.send_error(404)
        elif self.path == "/broken-off":  # the connection ends in the middle of a chunk
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"ff\r\nonly a part")
        else:
            content = body.get(self.path, CONTENT)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if self.path == "/half" else content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def closed_url(monkeypatch) -> str:
    """A URL at which nobody listens."""
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return f"http://127.0.0.1:{port}/file.bin"


# -- what is there ----------------------------------------------------------------------------------------


def place(root: Path, content: bytes) -> Path:
    path = root / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_a_file_that_is_there_is_read_without_a_network(tmp_path, closed_url):
    place(tmp_path, CONTENT)
    assert data_file(closed_url).read(tmp_path) == CONTENT


def test_any_of_the_checksums_will_do_for_a_file_that_is_there(tmp_path, closed_url):
    place(tmp_path, b"another rendering")
    assert data_file(closed_url, CONTENT, b"another rendering").read(tmp_path) == b"another rendering"


@pytest.mark.parametrize("content", [CONTENT[:-1], b"", b"\1" + CONTENT[1:], CONTENT + b"\0"])
def test_a_damaged_file_is_refused_and_kept(tmp_path, server, content):
    path = place(tmp_path, content)
    with pytest.raises(DataFileError, match="damaged") as caught:
        data_file(f"{server.url}/file.bin").read(tmp_path)
    assert str(path) in str(caught.value)
    assert server.url in str(caught.value)
    assert path.read_bytes() == content
    assert server.asked == []


def test_a_folder_in_the_place_of_the_file_is_an_error_that_names_it(tmp_path, closed_url):
    (tmp_path / NAME).mkdir(parents=True)
    with pytest.raises(DataFileError) as caught:
        data_file(closed_url).read(tmp_path)
    assert str(tmp_path / NAME) in str(caught.value)


# -- what is fetched --------------------------------------------------------------------------------------


def test_a_missing_file_is_fetched_once_and_written_whole(tmp_path, server):
    file = data_file(f"{server.url}/file.bin")
    assert file.read(tmp_path) == CONTENT
    assert file.read(tmp_path) == CONTENT
    assert server.asked == ["/file.bin"]
    assert files_in(tmp_path) == [tmp_path / NAME]
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_a_packed_file_stays_packed_where_its_name_says_so(tmp_path, server):
    packed = gzip.compress(CONTENT)
    file = DataFile("a/b.gz", f"{server.url}/file.gz", (sha256(packed),))
    assert file.read(tmp_path) == packed == (tmp_path / "a/b.gz").read_bytes()


def test_a_packed_file_is_stored_unpacked(tmp_path, server):
    assert data_file(f"{server.url}/file.gz").read(tmp_path) == CONTENT
    assert files_in(tmp_path) == [tmp_path / NAME]
    assert (tmp_path / NAME).read_bytes() == CONTENT


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_url_is_fetched_as_well(tmp_path, packed):
    source = tmp_path / ("source.gz" if packed else "source")
    source.write_bytes(gzip.compress(CONTENT) if packed else CONTENT)
    root = tmp_path / "root"
    assert data_file(source.as_uri()).read(root) == CONTENT
    assert (root / NAME).read_bytes() == CONTENT


@pytest.mark.parametrize("page", ["missing", "broken-off", "half", "damaged.gz", "cut.gz"])
def test_a_failed_download_is_one_clear_error_and_leaves_nothing(tmp_path, server, page):
    url = f"{server.url}/{page}"
    with pytest.raises(DataFileError) as caught:
        data_file(url).read(tmp_path)
    assert server.asked == [f"/{page}"]
    assert url in str(caught.value)
    assert str(tmp_path / NAME) in str(caught.value)
    assert files_in(tmp_path) == []


def test_the_wrong_content_is_not_written(tmp_path, server):
    with pytest.raises(DataFileError, match="not the expected file") as caught:
        data_file(f"{server.url}/file.bin", b"something else", CONTENT).read(tmp_path)  # the first is what is fetched
    assert str(tmp_path / NAME) in str(caught.value)
    assert files_in(tmp_path) == []


def test_without_a_network_the_error_says_what_to_put_where(tmp_path, closed_url):
    with pytest.raises(DataFileError) as caught:
        data_file(closed_url).read(tmp_path)
    for part in (str(tmp_path / NAME), closed_url, "data_root", "by hand"):
        assert part in str(caught.value)
    assert files_in(tmp_path) == []


def test_a_missing_file_url_is_the_same_error(tmp_path):
    url = (tmp_path / "nowhere.bin").as_uri()
    with pytest.raises(DataFileError, match="data_root") as caught:
        data_file(url).read(tmp_path)
    assert url in str(caught.value)


# -- where it cannot be written ---------------------------------------------------------------------------


@pytest.mark.parametrize("obstacle", ["set", "set/raw"])
def test_a_file_in_the_place_of_the_folder_is_an_error_that_names_data_root(tmp_path, server, obstacle):
    (tmp_path / obstacle).parent.mkdir(exist_ok=True)
    (tmp_path / obstacle).write_text("in the way")
    with pytest.raises(DataFileError, match="data_root") as caught:
        data_file(f"{server.url}/file.bin").read(tmp_path)
    assert str(tmp_path / NAME) in str(caught.value)
    assert files_in(tmp_path) == [tmp_path / obstacle]
    assert (tmp_path / obstacle).read_text() == "in the way"


@pytest.mark.parametrize(("where", "step"), [(os, "fsync"), (Path, "replace")])
@pytest.mark.parametrize(
    ("trouble", "expected"),
    [(OSError(28, "No space left on device"), DataFileError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_a_write_that_fails_leaves_nothing_behind(tmp_path, server, monkeypatch, where, step, trouble, expected):
    def fail(*_):
        raise trouble

    monkeypatch.setattr(where, step, fail)
    with pytest.raises(expected):
        data_file(f"{server.url}/file.bin").read(tmp_path)
    assert files_in(tmp_path) == []
