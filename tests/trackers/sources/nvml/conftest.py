"""The emulated library, built once."""

from pathlib import Path

import pytest

from tests.fake_nvml import build


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the emulated library."""
    return build(tmp_path_factory.mktemp("nvml"))
