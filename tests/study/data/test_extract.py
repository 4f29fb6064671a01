"""Unpacking of a zip archive, in its folder or not at all."""

import io
import stat
import zipfile
from pathlib import Path

import pytest

from study.data.extract import extract_zip
from study.errors import DataError


def zipped(members: dict[str, bytes]) -> bytes:
    """An archive of these members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _extract(tmp_path: Path, content: bytes, most_bytes: int = 10_000) -> Path:
    (tmp_path / "a.zip").write_bytes(content)
    folder = tmp_path / "out"
    folder.mkdir()
    extract_zip(tmp_path / "a.zip", folder, most_bytes=most_bytes)
    return folder


def _files(folder: Path) -> set[str]:
    return {str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file()}


def test_an_archive_in_an_archive_is_unpacked_too(tmp_path: Path) -> None:
    """The files of the inner archive take its place."""
    content = zipped({"readme": b"r", "x/in.zip": zipped({"d/a": b"1", "d/e/b": b"2"})})

    folder = _extract(tmp_path, content)

    assert _files(folder) == {"readme", "x/d/a", "x/d/e/b"}
    assert (folder / "x" / "d" / "e" / "b").read_bytes() == b"2"


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "C:evil", "..\\evil"])
@pytest.mark.parametrize("inner", [False, True])
def test_no_member_leaves_the_folder(tmp_path: Path, name: str, *, inner: bool) -> None:
    """A member that leads out of it is refused, also in an inner archive."""
    content = zipped({"good": b"g", name: b"x"})
    before = {"a.zip", "out"}

    with pytest.raises(DataError, match="leads out of the folder"):
        _extract(tmp_path, zipped({"in.zip": content}) if inner else content)

    assert {path.name for path in tmp_path.iterdir()} == before
    assert _files(tmp_path / "out") == ({"in.zip"} if inner else set())


def test_links_are_refused(tmp_path: Path) -> None:
    """A symbolic link could lead out of the folder."""
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(link, "/etc")

    with pytest.raises(DataError, match="is a link"):
        _extract(tmp_path, packed.getvalue())


@pytest.mark.parametrize("inner", [False, True])
def test_bombs_are_refused(tmp_path: Path, *, inner: bool) -> None:
    """An archive, or all archives together, may not hold more than allowed."""
    content = zipped({"big": bytes(20_000)})

    with pytest.raises(DataError, match="Is it the right archive"):
        _extract(tmp_path, zipped({"in.zip": content}) if inner else content)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    """A changed byte is found by the checksum."""
    content = bytearray(zipped({"a": b"0123456789" * 5}))
    content[35] ^= 0xFF

    with pytest.raises(DataError, match="damaged, or not a zip archive"):
        _extract(tmp_path, bytes(content))


def test_a_file_that_is_no_zip_is_refused(tmp_path: Path) -> None:
    """The message says that a web page, for example, is no archive."""
    with pytest.raises(DataError, match="not a zip archive"):
        _extract(tmp_path, b"<html>sorry</html>")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """An inner archive cannot replace a file that is already there."""
    content = zipped({"a": b"first", "in.zip": zipped({"a": b"second"})})

    with pytest.raises(DataError, match="cannot be unpacked"):
        _extract(tmp_path, content)

    assert (tmp_path / "out" / "a").read_bytes() == b"first"
