"""The documentation site: links between files become links between pages, nothing is from elsewhere."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
from mkdocs.config import load_config

from study.__main__ import COMMANDS
from tests.documented import documented

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def site() -> ModuleType:
    """The hooks, as mkdocs loads them: by their path."""
    path = ROOT / "scripts" / "documentation_site.py"
    spec = importlib.util.spec_from_file_location("documentation_site", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("at", "link", "turned"),
    [
        ("paper.md", "../README.md#start", "overview.md#start"),
        ("overview.md", "docs/search.md", "search.md"),
        ("overview.md", "ARCHITECTURE.md", "ARCHITECTURE.md"),
        ("index.md", "tutorials/first-study.md", "tutorials/first-study.md"),
        ("tutorials/first-study.md", "../search.md", "../search.md"),
        ("cluster.md", "../cluster.yaml", "source/cluster.yaml.txt"),
        ("index.md", "https://arxiv.org/abs/2401.01851", "https://arxiv.org/abs/2401.01851"),
    ],
)
def test_links_lead_to_pages(site: ModuleType, at: str, link: str, turned: str) -> None:
    """A link from file to file leads from page to page, or to a copy of a source."""
    page = cast("Any", SimpleNamespace(file=SimpleNamespace(src_uri=at)))

    markdown = site.on_page_markdown(f"[words]({link})", page, None, None)

    assert markdown == f"[words]({turned})"


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="https://fonts.example/css">',
        '<link href="//fonts.example" rel="preconnect" crossorigin>',
        "@font-face { src: url(https://fonts.example/a.woff2) }",
    ],
)
def test_a_page_that_asks_another_host_is_found(site: ModuleType, html: str) -> None:
    """Scripts, styles and fonts come with the site."""
    assert site.FOREIGN.search(html)


def test_a_link_to_another_host_is_allowed(site: ModuleType) -> None:
    """Nobody follows it but the reader."""
    assert not site.FOREIGN.search('<a href="https://arxiv.org/abs/2401.01851">the paper</a>')


def test_a_notebook_is_a_page_with_its_outputs(site: ModuleType) -> None:
    """What it printed without colours, its table, and its figure as a file beside it."""
    notebook = ROOT / "docs" / "tutorials" / "in-a-notebook.ipynb"

    files = vars(site)["_notebook_page"](notebook)

    page = files["tutorials/in-a-notebook.md"]
    (figure,) = (name for name in files if name.endswith(".svg"))
    assert "\n[8/8] setup" in page
    assert "\x1b" not in page
    assert "<table" in page
    assert f"![figure]({figure.removeprefix('tutorials/')})" in page
    assert files[figure].startswith(b"<svg")


def test_every_documented_command_is_on_the_commands_page(site: ModuleType) -> None:
    """With the word that chooses what it does, such as `analysis serve`."""
    ours = re.compile(r"(?:study\.(?!data )\w+|trackers|analysis)(?: [a-z]+(?= |$))?")

    named = {found[0] for each in documented() if (found := ours.match(each))}

    assert len(named) > 10
    assert sorted(named - set(site.COMMANDS) - {"study.data"}) == []


def test_every_command_of_the_console_is_on_the_commands_page(site: ModuleType) -> None:
    """A new kind of study, too."""
    assert {module for module, _ in COMMANDS.values()} - set(site.COMMANDS) == set()


@pytest.mark.parametrize("script", ["check", "dist"])
def test_the_site_is_built_so_that_a_warning_fails(script: str) -> None:
    """With `--quiet` mkdocs counts no warnings, and `--strict` would pass whatever is wrong."""
    text = (ROOT / "scripts" / script).read_text()

    assert "mkdocs build --strict" in text
    assert "--quiet" not in text.partition("mkdocs")[2].partition("\n")[0]


def test_whoever_serves_the_site_sees_changes_of_all_that_it_is_made_of(site: ModuleType) -> None:
    """Packages whose docstrings are the reference, documents of the root, and the hook; mkdocs watches docs/ itself."""
    watched = load_config(str(ROOT / "mkdocs.yml")).watch
    reference = (ROOT / "docs" / "reference").glob("*.md")
    packages = {
        name for page in reference for name in re.findall(r"(?m)^::: (\w+)", page.read_text())
    }

    made_of = {*packages, *site.ROOT_PAGES, "scripts/documentation_site.py"}
    assert {str(Path(each).relative_to(ROOT)) for each in watched} == made_of
