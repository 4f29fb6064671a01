"""Cache of arrays: it is found again, and a fault of it never stops a study."""

import logging
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from study.data.cache import (
    cached_arrays,
    default_cache_dir,
    fingerprint,
    read_arrays,
    write_arrays,
)

ARRAYS = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array([1, 2, 3])]


def test_written_arrays_are_read_back(tmp_path: Path) -> None:
    """Values, shapes and types come back, and nothing else is left in the folder."""
    write_arrays(tmp_path / "sub" / "a.bin", ARRAYS)

    arrays = read_arrays(tmp_path / "sub" / "a.bin", 2)

    assert arrays is not None
    for expected, actual in zip(ARRAYS, arrays, strict=True):
        np.testing.assert_array_equal(expected, actual)
        assert expected.dtype == actual.dtype
    assert [file.name for file in (tmp_path / "sub").iterdir()] == ["a.bin"]


@pytest.mark.parametrize("flipped", [0, 3, 4, 6])
def test_bytes_are_kept_and_checked(tmp_path: Path, flipped: int) -> None:
    """Every byte is checked, even if there is no whole number of 32-bit words."""
    octets = np.arange(7, dtype=np.uint8).reshape(7, 1)
    path = tmp_path / "a.bin"
    write_arrays(path, [octets])
    whole = read_arrays(path, 1)
    content = bytearray(path.read_bytes())
    content[128 + flipped] ^= 64
    path.write_bytes(content)

    damaged = read_arrays(path, 1)

    assert whole is not None
    np.testing.assert_array_equal(whole[0], octets)
    assert damaged is None


def test_a_missing_file_is_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A first run finds nothing and logs nothing."""
    arrays = read_arrays(tmp_path / "a.bin", 2)

    assert arrays is None
    assert not caplog.records


@pytest.mark.parametrize("damage", ["cut", "flip", "other", "empty", "fewer"])
def test_a_damaged_file_is_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    """A file that is cut, changed, of another kind or empty counts as missing, with a warning."""
    path = tmp_path / "a.bin"
    write_arrays(path, ARRAYS)
    content = bytearray(path.read_bytes())
    match damage:
        case "cut":
            del content[-40:]
        case "flip":
            content[128 + 4] ^= 1
        case "other":
            content = bytearray(b"something else entirely")
        case "empty":
            content = bytearray()
    path.write_bytes(content)

    arrays = read_arrays(path, 1 if damage == "fewer" else 2)

    assert arrays is None
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_an_unwritable_folder_is_only_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """If the cache folder cannot be made, the log says so and nothing is raised."""
    (tmp_path / "file").write_text("in the way")

    write_arrays(tmp_path / "file" / "a.bin", ARRAYS)

    assert "cannot keep a cache" in caplog.text


def test_the_fingerprint_follows_names_sizes_times_and_options(tmp_path: Path) -> None:
    """Each of them alone changes it; the folder does not."""
    (tmp_path / "x").mkdir()
    one, same = tmp_path / "a", tmp_path / "x" / "a"
    for path in (one, same):
        path.write_text("12")
        os.utime(path, ns=(5, 5))
    before = fingerprint([one], 1)

    assert before == fingerprint([same], 1)
    assert before != fingerprint([one], 2)
    os.utime(same, ns=(5, 6))
    assert before != fingerprint([same], 1)
    same.write_text("123")
    os.utime(same, ns=(5, 5))
    assert before != fingerprint([same], 1)
    one.rename(tmp_path / "b")
    assert before != fingerprint([tmp_path / "b"], 1)


@pytest.mark.skipif(sys.platform == "darwin", reason="XDG folders are not used there")
@pytest.mark.parametrize(
    ("chosen", "expected"),
    [("/x/y", "/x/y"), ("", "/home/me/.cache"), ("relative", "/home/me/.cache")],
)
def test_the_users_cache_folder(
    monkeypatch: pytest.MonkeyPatch, chosen: str, expected: str
) -> None:
    """It is XDG_CACHE_HOME if that is absolute, otherwise .cache in the home folder."""
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_CACHE_HOME", chosen)

    folder = default_cache_dir()

    assert folder == Path(expected) / "power-of-training"


def test_arrays_are_made_once(tmp_path: Path) -> None:
    """They are kept under their name, so the second call makes nothing."""
    made: list[npt.NDArray[Any]] = [np.arange(3), np.ones((2, 2), np.float32)]

    first = cached_arrays("set-abc", 2, lambda: made, cache_dir=tmp_path)
    second = cached_arrays("set-abc", 2, lambda: made[:0], cache_dir=tmp_path)

    assert (tmp_path / "set-abc.bin").is_file()
    assert first is made
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def no_home() -> Path:
    """Fail as for a user without HOME and without a line in /etc/passwd."""
    message = "Could not determine home directory."
    raise RuntimeError(message)


@pytest.mark.skipif(sys.platform == "darwin", reason="has another cache folder")
def test_who_has_no_home_has_a_private_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container may run under any user ID; no other user can have put files into this folder."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    folder = default_cache_dir(no_home)

    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o777 == 0o700

    folder.rmdir()
    folder.symlink_to(tmp_path)  # as another user might have done
    assert default_cache_dir(no_home) not in {folder, tmp_path}
