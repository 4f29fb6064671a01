"""The guide to adding a power source, followed to the letter."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GUIDE = ROOT / "docs" / "how-to" / "add-a-power-source.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
IMPORT = "from trackers.sources.watt_file import WattFileSource\n"

SOURCE = "trackers/sources/watt_file.py"
TABLE = "trackers/sources/detect.py"
WORLDS = "tests/trackers/every_source/worlds.py"


def insert(path: Path, *places: tuple[str, str]) -> None:
    """Insert lines before anchors, each of which must occur exactly once in the file."""
    text = path.read_text()
    for before, lines in places:
        assert text.count(before) == 1, before
        text = text.replace(before, f"{lines}{before}")
    path.write_text(text)


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the trackers and their tests, in which the guide has been followed."""
    checkout = tmp_path_factory.mktemp("checkout")
    without = shutil.ignore_patterns("__pycache__")
    for each in ("trackers", "tests/trackers", "tests/fake_nvml", "tests/data"):
        shutil.copytree(ROOT / each, checkout / each, ignore=without)
    for each in ("pyproject.toml", "tests/conftest.py", "tests/waiting.py"):
        shutil.copy(ROOT / each, checkout / each)
    source, line, world = BLOCK.findall(GUIDE.read_text())
    (checkout / SOURCE).write_text(source)
    last = "from trackers.sources.recorded import RecordedSource\n"
    insert(
        checkout / TABLE,
        (last, IMPORT),
        ('    Candidate(\n        name="estimate"', f"    {line.strip()},\n"),
    )
    insert(
        checkout / WORLDS,
        (last, IMPORT),
        ("WORLDS: dict", f"{world}\n\n"),
        ('    "recorded function": recorded_function', '    "watt file": watt_file,\n'),
        ('"recorded function", "recorded file"', '"watt file", '),
    )
    return checkout


def test_the_guide_touches_three_files(followed: Path) -> None:
    """They are the source, the table, and the worlds of the tests."""
    touched = {
        str(path.relative_to(followed))
        for path in followed.rglob("*.py")
        if not (ROOT / path.relative_to(followed)).is_file()
        or (ROOT / path.relative_to(followed)).read_text() != path.read_text()
    }

    assert touched == {SOURCE, TABLE, WORLDS}


@pytest.mark.slow
def test_the_new_source_passes_the_contract_and_the_properties(followed: Path) -> None:
    """The tests of all sources select the new source, and pass for it."""
    suites = (
        "tests/trackers/every_source/test_source_contract.py",
        "tests/trackers/every_source/test_meter_properties.py",
    )
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *suites,
            "-k",
            "watt_file or (watt and file) or knows_every_source",
        ],
        cwd=followed,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )

    passed = re.search(r"(\d+) passed", done.stdout)
    assert done.returncode == 0, done.stdout
    assert passed is not None
    assert int(passed[1]) > 10
