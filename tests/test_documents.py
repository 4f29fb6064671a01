"""The documents: links and paths lead to existing files, and the version is the same everywhere."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
HISTORY = ROOT / "CHANGELOG.md"
"""Also names files of earlier versions."""

PRESENT = [each for each in DOCUMENTS if each != HISTORY]

MADE_UP = {"digits.py", "trackers/sources/watt_file.py"}
"""Files that a reader is asked to write."""

GENERATED = {"docs/reference/commands.md", "docs/tutorials/in-a-notebook.md"}
"""Pages that are generated with the site (scripts/documentation_site.py)."""

LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
PATH = re.compile(
    r"`((?:study|analysis|trackers|models|benchmarks|tests|docs|scripts)/[\w/.*-]*|[\w/-]+\.py)`"
)
TEST = re.compile(r"`(test(?:_[a-z0-9]+){2,})`")
"""Names of tests; those of two words, such as `test_score`, are columns."""

NAME_IN_FILE = re.compile(r"((?:`[A-Z_]{3,}`(?: and |, )?)+)\s(?:in|of)\s`([\w/]+\.py)`")
"""Constants, and the file that a document says they are in."""


def name_of(document: Path) -> str:
    """Path of a document from the root."""
    return document.relative_to(ROOT).as_posix()


def rooms_table() -> str:
    """Rows of ARCHITECTURE.md's table of rooms."""
    rows = (ROOT / "ARCHITECTURE.md").read_text().partition("| library |")[0].splitlines()
    return "\n".join(row for row in rows if row.startswith("| `"))


def links(document: Path) -> set[str]:
    """Targets of a document's links to files of the repository."""
    found = LINK.findall(document.read_text())
    return {each.partition("#")[0] for each in found if "://" not in each} - {""}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_to_files(document: Path) -> None:
    """Every link without a host leads to a file of this repository or to a generated page."""
    generated = {ROOT / page for page in GENERATED}
    targets = [(document.parent / each).resolve() for each in links(document)]
    missing = [path for path in targets if not path.exists() and path not in generated]

    assert missing == []


@pytest.mark.parametrize("document", PRESENT, ids=name_of)
def test_paths_exist(document: Path) -> None:
    """Every file or folder that a document names exists, with its whole path."""
    named = set(PATH.findall(document.read_text()))

    missing = [each for each in sorted(named - MADE_UP) if not any(ROOT.glob(each))]

    assert missing == []


@pytest.mark.parametrize("document", PRESENT, ids=name_of)
def test_constants_are_in_the_files_that_documents_say(document: Path) -> None:
    """`BUILT_IN` in `study/scenario_lookup.py`, for example, is where a contributor adds a line."""
    named = NAME_IN_FILE.findall(document.read_text())

    missing = [
        (name, path)
        for names, path in named
        for name in re.findall(r"`(\w+)`", names)
        if (ROOT / path).is_file() and not re.search(rf"\b{name}\b", (ROOT / path).read_text())
    ]

    assert missing == []


@pytest.mark.parametrize("document", PRESENT, ids=name_of)
def test_tests_exist(document: Path) -> None:
    """Every test that a document gives as the proof of something is there."""
    named = set(TEST.findall(document.read_text()))
    sources = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")] if named else []

    assert [
        name for name in sorted(named) if not any(f"def {name}(" in each for each in sources)
    ] == []


def test_every_room_is_in_the_architecture() -> None:
    """ARCHITECTURE.md's table has every room; those of `analysis` share a line."""
    table = rooms_table()
    rooms = [
        room.parent.relative_to(ROOT)
        for package in ("trackers", "models", "study", "analysis")
        for room in (ROOT / package).glob("*/__init__.py")
    ]

    assert [
        str(room) for room in rooms if f"`{room}/`" not in table and f"`{room.name}/`" not in table
    ] == []


def test_everything_that_analysis_may_import_is_in_the_architecture() -> None:
    """Its diagram of the packages names the target of every exception in import-linter's contract."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (contract,) = (
        each for each in linter["contracts"] if each.get("source_modules") == ["analysis"]
    )
    diagram = (ROOT / "ARCHITECTURE.md").read_text().split("```")[1]

    targets = {each.partition(" -> ")[2] for each in contract["ignore_imports"]}
    assert [each for each in sorted(targets) if ".".join(each.split(".")[:2]) not in diagram] == []


def test_every_page_is_in_the_site_s_navigation() -> None:
    """Every page in docs/ has a line in `nav` of mkdocs.yml."""
    navigation = (ROOT / "mkdocs.yml").read_text()
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")]

    assert [page for page in pages if f": {page}\n" not in navigation] == []


def test_links_and_paths_are_recognised() -> None:
    """README and ARCHITECTURE.md have some; otherwise the tests above would check nothing."""
    assert len(links(ROOT / "README.md")) > 2
    assert len(PATH.findall((ROOT / "ARCHITECTURE.md").read_text())) > 20


def test_the_version_is_the_same_everywhere() -> None:
    """CITATION.cff has the version of the package."""
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == package


def test_all_data_files_are_in_the_notice() -> None:
    """NOTICE names every table, recording and capture in the repository, with source and licence."""
    kinds = {".csv", ".parquet", ".plists", ".npz", ".npy", ".jpg", ".dat"}
    places = [
        ROOT / each for each in ("analysis", "benchmarks", "models", "study", "tests", "trackers")
    ]
    named = {line.rstrip("/") for line in (ROOT / "NOTICE").read_text().splitlines()}

    unnamed = [
        path.relative_to(ROOT).as_posix()
        for place in places
        for path in place.rglob("*")
        if path.suffix in kinds
        and named.isdisjoint(
            each.relative_to(ROOT).as_posix() for each in (path, *path.parents[:3])
        )
    ]

    assert unnamed == []
