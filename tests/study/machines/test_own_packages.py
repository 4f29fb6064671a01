"""Import of our packages, whatever lies in the folder where a study is started."""

import subprocess
import sys
from pathlib import Path

import pytest

from study.machines.own_packages import PACKAGES, ROOT, shadowed_by

FIND = """
import sys
from study.machines.own_packages import find_ours
del sys.modules["study"], sys.modules["study.machines"], sys.modules["study.machines.own_packages"]
sys.path.insert(0, {folder!r})
if {install_finder}: find_ours()
import models
print(models.__file__)
"""


@pytest.mark.parametrize("name", PACKAGES)
def test_a_folder_or_file_of_the_same_name_shadows_ours(name: str, tmp_path: Path) -> None:
    """A checkout of this project and an empty folder shadow nothing."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / f"{name}.py").write_text("")
    (tmp_path / "b" / name).mkdir(parents=True)

    assert shadowed_by(tmp_path / "a") == shadowed_by(tmp_path / "b") == (name,)
    assert shadowed_by(ROOT) == shadowed_by(tmp_path) == ()


@pytest.mark.parametrize("install_finder", [False, True])
def test_a_process_finds_ours_first(tmp_path: Path, *, install_finder: bool) -> None:
    """Without the finder, the package in the first folder on the import path would be imported."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("")

    done = subprocess.run(
        [sys.executable, "-c", FIND.format(folder=str(tmp_path), install_finder=install_finder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    found = Path(done.stdout.strip()).parent.parent
    assert found == (ROOT if install_finder else tmp_path)
