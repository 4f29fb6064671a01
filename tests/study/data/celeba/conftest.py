"""Fixtures of the tests of CelebA."""

from pathlib import Path

import pytest

from tests.study.data.celeba.celeba_files import TWO_EACH, write_folder


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redirect the cache, so that no test writes to the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A CelebA folder of 80 images."""
    return write_folder(tmp_path / "data", TWO_EACH)
