"""`get`, which leaves a verified data set or none."""

import hashlib
from pathlib import Path

import pytest

from study.data.pamap2 import format as form
from study.data.pamap2.get import Fetched, fetch
from study.errors import DataError, OptionError
from tests.study.data.file_server import FileServer, serving
from tests.study.data.test_extract import zipped

CONTENT = {subject: f"rows of {subject}".encode() for subject in form.SUBJECTS}
PUBLISHED = {
    subject: form.PublishedFile(size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    for subject, content in CONTENT.items()
}


def _archive(changed: dict[int, bytes] | None = None, top: str = "PAMAP2_Dataset/") -> bytes:
    files = {**CONTENT, **(changed or {})}
    inner = {f"{top}Protocol/{form.file_name(s)}": content for s, content in files.items()}
    return zipped({"readme.pdf": b"about", "PAMAP2_Dataset.zip": zipped(inner)})


def _fetch(
    content: bytes, data_dir: Path, *, sha256: str | None = None, breaks: int = 0
) -> Fetched:
    with serving(FileServer(content=content, breaks=breaks)) as server:
        return fetch(
            data_dir,
            url=server.url,
            sha256=sha256,
            progress=lambda _done, _total: None,
            published=PUBLISHED,
        )


def _left(data_dir: Path) -> set[str]:
    return {path.name for path in data_dir.iterdir()}


@pytest.mark.parametrize("top", ["PAMAP2_Dataset/", "", "some/where/"])
def test_the_published_files_are_installed(tmp_path: Path, top: str) -> None:
    """The Protocol folder ends up in PAMAP2_Dataset, wherever it was in the archive."""
    fetched = _fetch(_archive(top=top), tmp_path / "new")

    protocol = tmp_path / "new" / "PAMAP2_Dataset" / "Protocol"
    assert fetched == Fetched(folder=protocol.parent, already_there=False, modified=())
    assert {s: (protocol / form.file_name(s)).read_bytes() for s in form.SUBJECTS} == CONTENT
    assert _left(tmp_path / "new") == {"PAMAP2_Dataset"}


def test_a_second_call_downloads_nothing(tmp_path: Path) -> None:
    """A genuine data set is left alone, and no server is contacted."""
    _fetch(_archive(), tmp_path)

    again = fetch(
        tmp_path,
        url="http://127.0.0.1:9/none",
        progress=lambda _done, _total: None,
        published=PUBLISHED,
    )

    assert again.already_there


def test_other_files_are_refused_and_the_archive_kept(tmp_path: Path) -> None:
    """A file that is not the published one is refused; the message has the archive's sha256."""
    content = _archive({103: b"else"})
    digest = hashlib.sha256(content).hexdigest()

    with pytest.raises(DataError, match=rf"subject103\.dat .*--sha256 {digest}"):
        _fetch(content, tmp_path)

    assert _left(tmp_path) == {"pamap2.zip.part", "pamap2.zip.part.json"}


def test_a_trusted_archive_may_hold_other_files(tmp_path: Path) -> None:
    """If its sha256 is given, its files are accepted, and those that differ are named."""
    content = _archive({103: b"else"})

    fetched = _fetch(content, tmp_path, sha256=hashlib.sha256(content).hexdigest().upper())

    assert fetched.modified == (103,)
    assert (tmp_path / "PAMAP2_Dataset" / "Protocol" / "subject103.dat").read_bytes() == b"else"


def test_an_archive_with_another_sha256_is_not_unpacked(tmp_path: Path) -> None:
    """A wrong sha256 stops it, even if the files would be the published ones."""
    with pytest.raises(DataError, match="was not unpacked"):
        _fetch(_archive(), tmp_path, sha256="00")

    assert "PAMAP2_Dataset" not in _left(tmp_path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"<html>", "not a zip archive"),
        (zipped({"a": b"1"}), "not PAMAP2"),
        (zipped({"../a": b"1"}), "leads out of the folder"),
    ],
)
def test_a_useless_archive_leaves_nothing(tmp_path: Path, content: bytes, found: str) -> None:
    """An archive that cannot be used is deleted, so that the next call starts afresh."""
    with pytest.raises(DataError, match=found):
        _fetch(content, tmp_path)

    assert _left(tmp_path) == set()


def test_another_data_set_is_not_touched(tmp_path: Path) -> None:
    """A PAMAP2_Dataset that is not genuine is neither overwritten nor taken for genuine."""
    _fetch(_archive(), tmp_path)
    changed = tmp_path / "PAMAP2_Dataset" / "Protocol" / "subject101.dat"
    changed.write_text("mine")

    with pytest.raises(OptionError, match=r"subject101\.dat missing or modified"):
        _fetch(_archive(), tmp_path)

    assert changed.read_text() == "mine"


def test_without_network_it_says_how_to_do_it_by_hand(tmp_path: Path) -> None:
    """A failed download names the page, the folder and the command that checks it."""
    with (
        serving(FileServer(content=b"", status=404)) as server,
        pytest.raises(DataError, match=r"By hand: .*subject101\.dat.*study\.data check pamap2"),
    ):
        fetch(tmp_path, url=server.url, progress=lambda _done, _total: None)
