"""The wheel, installed in a fresh environment and used outside the checkout, does what README says."""

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


def run_in(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder, without this process's environment variables."""
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
    """Wheel of the packages that are published."""
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, source / package, ignore=ignored)
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
    """`bin` folder of a fresh environment with the wheel; dependencies come from this environment."""
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
    # A .pth file adds the folder alone: the .pth files in it, which may link to a checkout, are not read.
    (packages / "dependencies.pth").write_text(f"{Path(ray.__file__).parents[1]}\n")
    return folder / "bin"


@pytest.fixture
def users_folder(tmp_path: Path) -> Path:
    """Working directory of a user, with packages named like ours and the tutorial's scenario."""
    for name in ("models", "analysis"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('this is mine')\n")
    found = SCENARIO.search(TUTORIAL.read_text())
    assert found is not None
    (tmp_path / "digits.py").write_text(found[1])
    return tmp_path


def test_it_holds_what_it_needs_and_nothing_else(wheel: Path) -> None:
    """The wheel has our packages, their data, the licence and the notice, but no tests or benchmarks."""
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
    """The console command trains a scenario from a file and writes the report."""
    found = COMMAND.search(TUTORIAL.read_text())
    assert found is not None
    arguments = found[1].split()

    done = run_in(
        users_folder,
        environment / "power-of-training",
        *arguments,
        *("--smoke", "--tracker", "estimate", "--name", "mine"),
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
    """`--help`, a command's help and a command that needs no Ray all exit with status 0."""
    done = run_in(users_folder, environment / "power-of-training", *arguments)

    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_package_lists_its_commands(environment: Path, tmp_path: Path) -> None:
    """`python -m study` lists them, from the package that the wheel installed."""
    done = run_in(tmp_path, environment / "python", "-m", "study")
    where = run_in(tmp_path, environment / "python", "-c", "import study; print(study.__file__)")

    assert done.returncode == 0, done.stderr
    assert "multitask" in done.stdout
    assert where.stdout.startswith(os.fspath(environment.parent))


def test_the_readme_s_import_works(environment: Path, tmp_path: Path) -> None:
    """`from trackers import EnergyMeter, detect` works."""
    done = run_in(
        tmp_path,
        environment / "python",
        *("-c", "from trackers import EnergyMeter, detect; print(EnergyMeter, detect)"),
    )

    assert done.returncode == 0, done.stderr
