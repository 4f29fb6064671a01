"""Downloads, which arrive complete whatever the server and the connection do."""

import socket
from pathlib import Path

import pytest

from study.data import download as downloading
from study.data.download import download
from study.errors import DataError
from tests.study.data.file_server import FileServer, serving

CONTENT = bytes(range(256)) * 1000


def _download(url: str, part: Path) -> tuple[list[tuple[int, int | None]], list[float]]:
    reported: list[tuple[int, int | None]] = []
    waits: list[float] = []
    download(
        url, part, progress=lambda done, total: reported.append((done, total)), wait=waits.append
    )
    return reported, waits


def test_the_file_arrives_and_progress_is_reported(tmp_path: Path) -> None:
    """The bytes are those of the server; progress ends with all of them."""
    with serving(FileServer(content=CONTENT)) as server:
        reported, waits = _download(server.url, tmp_path / "a.part")

    assert (tmp_path / "a.part").read_bytes() == CONTENT
    assert reported[0] == (0, len(CONTENT))
    assert reported[-1] == (len(CONTENT), len(CONTENT))
    assert not waits


def test_a_broken_download_continues_where_it_stopped(tmp_path: Path) -> None:
    """After a break, only the rest is requested."""
    half = len(CONTENT) // 2
    with serving(FileServer(content=CONTENT, breaks=2)) as server:
        _, waits = _download(server.url, tmp_path / "a.part")

    assert (tmp_path / "a.part").read_bytes() == CONTENT
    assert server.asked == ["", f"bytes={half}-", f"bytes={half + half // 2}-"]
    assert len(waits) == 2


def test_a_later_call_continues(tmp_path: Path) -> None:
    """The part of an earlier command is not downloaded again, and a complete file not at all."""
    with serving(FileServer(content=CONTENT)) as server:
        _download(server.url, tmp_path / "a.part")
        (tmp_path / "a.part").write_bytes(CONTENT[:1000])
        _download(server.url, tmp_path / "a.part")
        reported, _ = _download(server.url, tmp_path / "a.part")

    assert (tmp_path / "a.part").read_bytes() == CONTENT
    assert server.asked == ["", "bytes=1000-", f"bytes={len(CONTENT)}-"]
    assert reported == [(len(CONTENT), len(CONTENT))]


def test_a_server_without_ranges_starts_over(tmp_path: Path) -> None:
    """If the whole file is sent in answer to a range, the part is discarded."""
    with serving(FileServer(content=CONTENT, breaks=1, ranges=False)) as server:
        _download(server.url, tmp_path / "a.part")

    assert (tmp_path / "a.part").read_bytes() == CONTENT


def test_a_changed_file_starts_over(tmp_path: Path) -> None:
    """Parts of two versions are never put together."""
    with serving(FileServer(content=b"x" * 5000)) as server:
        _download(server.url, tmp_path / "a.part")
        (tmp_path / "a.part").write_bytes(b"x" * 1000)
        server.content, server.tag = CONTENT, '"2"'
        _download(server.url, tmp_path / "a.part")

    assert (tmp_path / "a.part").read_bytes() == CONTENT


def test_a_shorter_file_without_a_tag_starts_over(tmp_path: Path) -> None:
    """A range beyond the end (416) shows that the file has changed."""
    with serving(FileServer(content=b"x" * 5000, tag="")) as server:
        _download(server.url, tmp_path / "a.part")
        server.content = CONTENT[:700]
        _download(server.url, tmp_path / "a.part")

    assert (tmp_path / "a.part").read_bytes() == CONTENT[:700]
    assert server.asked == ["", "bytes=5000-", ""]


def test_a_part_of_another_address_is_not_continued(tmp_path: Path) -> None:
    """A part is only continued from where it came from."""
    with serving(FileServer(content=CONTENT)) as server:
        _download(server.url, tmp_path / "a.part")
        (tmp_path / "a.part").write_bytes(b"y" * 10)
        _download(server.url + "?other", tmp_path / "a.part")

    assert (tmp_path / "a.part").read_bytes() == CONTENT
    assert server.asked == ["", ""]


def test_a_failed_download_keeps_its_part(tmp_path: Path) -> None:
    """Four attempts without a byte end it; the message says how to continue."""
    with serving(FileServer(content=CONTENT)) as server:
        _download(server.url, tmp_path / "a.part")
        (tmp_path / "a.part").write_bytes(CONTENT[:1000])
        server.status = 503
        with pytest.raises(DataError, match=r"503.*1,000 bytes are kept.*same command again"):
            _download(server.url, tmp_path / "a.part")

    assert len(server.asked) == 5
    assert (tmp_path / "a.part").read_bytes() == CONTENT[:1000]


def test_a_wrong_address_is_not_tried_again(tmp_path: Path) -> None:
    """A permanent refusal (404) is reported at once."""
    with (
        serving(FileServer(content=CONTENT, status=404)) as server,
        pytest.raises(DataError, match=r"404 Not Found.*Check the address"),
    ):
        _download(server.url, tmp_path / "a.part")

    assert server.asked == [""]


@pytest.mark.parametrize("url", ["not an address", "ftp://127.0.0.1/x", "http:///x"])
def test_an_impossible_address_is_refused(tmp_path: Path, url: str) -> None:
    """The message asks for an http or https address."""
    with pytest.raises(DataError, match="give an http or https address"):
        _download(url, tmp_path / "a.part")


def test_an_unreachable_server_is_named(tmp_path: Path) -> None:
    """The message has the address that cannot be reached."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/x"

    with pytest.raises(DataError, match=url):
        _download(url, tmp_path / "a.part")


def test_a_file_without_a_length_has_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endless answer does not fill the disk; a file below the limit may have no Content-Length."""
    with serving(FileServer(content=CONTENT, sends_length=False)) as server:
        _download(server.url, tmp_path / "a.part")
        monkeypatch.setattr(downloading, "MOST_BYTES", 1000)
        with pytest.raises(DataError, match="sends no Content-Length"):
            _download(server.url, tmp_path / "b.part")

    assert (tmp_path / "a.part").read_bytes() == CONTENT
    assert (tmp_path / "b.part").stat().st_size <= 1000
