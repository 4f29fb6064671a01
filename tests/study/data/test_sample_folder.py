"""Folder of a built-in sample: it is written once, and a fault in keeping it stops no study."""

from pathlib import Path

import pytest

from study.data.sample_folder import sample_folder
from study.errors import OptionError


def write(folder: Path) -> None:
    """A sample of one file."""
    (folder / "data").write_text("sample")


def refuse(folder: Path) -> None:
    """Fail, for a writer that must not be called or cannot write."""
    message = f"{folder} is not for samples"
    raise OptionError(message)


def test_a_sample_is_written_once_and_kept(tmp_path: Path) -> None:
    """The second use finds it, and nothing else is left in the cache folder."""
    with sample_folder("sample-1", write, cache_dir=tmp_path / "cache") as first:
        assert (first / "data").read_text() == "sample"

    with sample_folder("sample-1", refuse, cache_dir=tmp_path / "cache") as second:
        assert second == first

    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["sample-1"]


def test_a_sample_that_cannot_be_kept_is_removed_after_use(tmp_path: Path) -> None:
    """A file in the way of the cache folder costs time, not the study."""
    (tmp_path / "file").write_text("")

    with sample_folder("sample-1", write, cache_dir=tmp_path / "file" / "cache") as folder:
        assert (folder / "data").is_file()

    assert not folder.exists()


def test_a_sample_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """The writer's own error is raised, and the cache has no incomplete sample."""
    with (
        pytest.raises(OptionError, match="not for samples"),
        sample_folder("sample-1", refuse, cache_dir=tmp_path),
    ):
        pass

    assert list(tmp_path.iterdir()) == []
