"""The documentation site: links between files become links between pages; nothing is loaded from elsewhere."""

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
    """The site's hooks, loaded by path as mkdocs does."""
    path = ROOT / "scripts" / "documentation_site.py"
    spec = importlib.util.spec_from_file_location("documentation_site", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("page", "link", "rewritten"),
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
def test_links_lead_to_pages(site: ModuleType, page: str, link: str, rewritten: str) -> None:
    """A link between files becomes one between pages, or one to a copy of a source file."""
    mkdocs_page = cast("Any", SimpleNamespace(file=SimpleNamespace(src_uri=page)))

    markdown = site.on_page_markdown(f"[words]({link})", mkdocs_page, None, None)

    assert markdown == f"[words]({rewritten})"


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="https://fonts.example/css">',
        '<link href="//fonts.example" rel="preconnect" crossorigin>',
        "@font-face { src: url(https://fonts.example/a.woff2) }",
    ],
)
def test_a_page_that_loads_from_another_host_is_detected(site: ModuleType, html: str) -> None:
    """Scripts, styles and fonts must come with the site."""
    assert site.FOREIGN.search(html)


def test_a_link_to_another_host_is_allowed(site: ModuleType) -> None:
    """The browser loads nothing from it unless the reader follows the link."""
    assert not site.FOREIGN.search('<a href="https://arxiv.org/abs/2401.01851">the paper</a>')


def test_a_notebook_becomes_a_page_with_its_outputs(site: ModuleType) -> None:
    """The page has its printed output without colour codes, its table, and its figure as a separate file."""
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
    """Subcommands such as `analysis serve` are on it too."""
    our_command = re.compile(r"(?:study\.(?!data )\w+|trackers|analysis)(?: [a-z]+(?= |$))?")

    named = {found[0] for each in documented() if (found := our_command.match(each))}

    assert len(named) > 10
    assert sorted(named - set(site.COMMANDS) - {"study.data"}) == []


def test_every_console_command_is_on_the_commands_page(site: ModuleType) -> None:
    """So is that of a new kind of study."""
    assert {module for module, _ in COMMANDS.values()} - set(site.COMMANDS) == set()


@pytest.mark.parametrize("script", ["check", "dist"])
def test_a_warning_fails_the_build_of_the_site(script: str) -> None:
    """Scripts build with `--strict` and without `--quiet`, with which mkdocs would count no warnings."""
    text = (ROOT / "scripts" / script).read_text()

    assert "mkdocs build --strict" in text
    assert "--quiet" not in text.partition("mkdocs")[2].partition("\n")[0]


def test_the_served_site_watches_all_its_sources(site: ModuleType) -> None:
    """These are the packages of the reference, root documents and the hook; mkdocs itself watches docs/."""
    watched = load_config(str(ROOT / "mkdocs.yml")).watch
    reference = (ROOT / "docs" / "reference").glob("*.md")
    packages = {
        name for page in reference for name in re.findall(r"(?m)^::: (\w+)", page.read_text())
    }

    site_sources = {*packages, *site.ROOT_PAGES, "scripts/documentation_site.py"}
    assert {str(Path(each).relative_to(ROOT)) for each in watched} == site_sources
