"""The wheel, in an environment of its own and far from the checkout, does what README says."""

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
import ray

pytestmark = [pytest.mark.integrations, pytest.mark.ray]

ROOT = Path(__file__).parents[2]
PACKAGES = ("analysis", "models", "study", "trackers")
TUTORIAL = ROOT / "docs" / "tutorials" / "your-own-network.md"
COMMAND = re.compile(r"^power-of-training (regime --scenario \S+)", flags=re.MULTILINE)
SCENARIO = re.compile(r"```python\n(.*?)```", flags=re.DOTALL)


def ran(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder, without what this process has in its environment."""
    return subprocess.run(
        command,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of what would be published."""
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        without = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, source / package, ignore=without)
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", out, source],
        check=True,
        timeout=300,
    )
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that has the wheel; what it depends on is taken from here."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(folder, with_pip=False)
    python = str(folder / "bin" / "python")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        str(wheel),
    ]
    subprocess.run(pip, check=True, timeout=300)
    (packages,) = folder.glob("lib/python*/site-packages")
    # A folder on the search path by itself: links that it has to a checkout are not followed.
    (packages / "dependencies.pth").write_text(f"{Path(ray.__file__).parents[1]}\n")
    return folder / "bin"


@pytest.fixture
def users_folder(tmp_path: Path) -> Path:
    """Where somebody works who has packages with the names of ours, and the tutorial's scenario."""
    for name in ("models", "analysis"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('this is mine')\n")
    found = SCENARIO.search(TUTORIAL.read_text())
    assert found is not None
    (tmp_path / "digits.py").write_text(found[1])
    return tmp_path


def test_it_holds_what_it_needs_and_nothing_else(wheel: Path) -> None:
    """Our packages with their data, licence and notice; no tests, no benchmarks."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == set(PACKAGES)
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    assert any(name.endswith("carbon_intensity.csv") for name in names)
    assert {"LICENSE", "NOTICE"} <= {Path(name).name for name in names}


def test_a_study_runs_among_folders_of_the_same_names(
    environment: Path, users_folder: Path
) -> None:
    """The console command trains a scenario given by file, to its report."""
    found = COMMAND.search(TUTORIAL.read_text())
    assert found is not None
    given = found[1].split()

    done = ran(
        environment / "power-of-training",
        *given,
        *("--smoke", "--batch-sizes", "64", "--tracker", "estimate", "--name", "mine"),
        folder=users_folder,
    )

    study = users_folder / "results" / "mine"
    assert done.returncode == 0, done.stdout + done.stderr
    assert (study / "report" / "index.html").is_file(), done.stdout + done.stderr
    assert "recommend" in done.stdout.lower()


@pytest.mark.parametrize(
    "arguments", [("--help",), ("regime", "--help"), ("trackers", "--seconds", "0.1")]
)
def test_the_console_command_answers(
    environment: Path, users_folder: Path, arguments: tuple[str, ...]
) -> None:
    """It lists its commands, and each has its help."""
    done = ran(environment / "power-of-training", *arguments, folder=users_folder)

    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_package_lists_its_commands(environment: Path, tmp_path: Path) -> None:
    """`python -m study` does, and it is the wheel's."""
    done = ran(environment / "python", "-m", "study", folder=tmp_path)
    where = ran(
        environment / "python", "-c", "import study; print(study.__file__)", folder=tmp_path
    )

    assert done.returncode == 0, done.stderr
    assert "multitask" in done.stdout
    assert where.stdout.startswith(os.fspath(environment.parent))


def test_the_readme_s_import_works(environment: Path, tmp_path: Path) -> None:
    """`from trackers import EnergyMeter, detect`."""
    done = ran(
        environment / "python",
        *("-c", "from trackers import EnergyMeter, detect; print(EnergyMeter, detect)"),
        folder=tmp_path,
    )

    assert done.returncode == 0, done.stderr
