"""Hooks of mkdocs: documents outside docs/ become pages, links to sources lead to copies.

Documents are written to be read in the repository too, with links from file to file. Here each link
is turned into that of the page, or of a copy of the file. After the build nothing may be left that a
browser would fetch from another host.
"""

import json
import os
import posixpath
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
ROOT_PAGES = {
    "README.md": "overview.md",
    "ARCHITECTURE.md": "ARCHITECTURE.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "RELEASING.md": "RELEASING.md",
    "SECURITY.md": "SECURITY.md",
}
"""Documents of the root, and the pages that they become."""

COMMANDS_PAGE = "reference/commands.md"
COMMANDS = (
    "study.regime",
    "study.pretraining",
    "study.multitask",
    "study.search",
    "study.search replay",
    "study.search recurring",
    "study.new",
    "study.data",
    "trackers",
    "trackers run",
    "trackers calibrate",
    "analysis",
    "analysis serve",
    "analysis import",
    "analysis export",
)

LINK = re.compile(r"(\[[^\]]*\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
BLANK = re.compile(r"\n\s*\n")
FOREIGN = re.compile(
    r"<(?:script|img|iframe)\b[^>]*\ssrc=[\"']?(?:https?:)?//"
    r"|<link\b(?=[^>]*rel=[\"']?(?:stylesheet|preconnect|preload|icon))[^>]*href=[\"']?(?:https?:)?//"
    r"|url\([\"']?(?:https?:)?//|@import[^;]*//"
)
"""What a browser fetches by itself from another host."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add pages of the root's documents, the commands' page, and copies of files with a link."""
    for name, page in ROOT_PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / name).read_text()))
    files.append(File.generated(config, COMMANDS_PAGE, content=_commands_page()))
    for notebook in sorted(DOCS.rglob("*.ipynb")):
        for name, content in _notebook_page(notebook).items():
            files.append(File.generated(config, name, content=content))
    for source in sorted(_linked_sources()):
        files.append(File.generated(config, _copy_of(source), content=(ROOT / source).read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between files of the repository into links between pages."""
    del config, files
    at = page.file.src_uri
    written_at = {made: name for name, made in ROOT_PAGES.items()}.get(at, f"docs/{at}")

    def turned(found: re.Match[str]) -> str:
        target = _target(found[2], written_at)
        if target is None:
            return found[0]
        return f"{found[1]}{posixpath.relpath(_page_of(target), posixpath.dirname(at))}{found[3]}"

    return LINK.sub(turned, markdown)


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site of which a browser would ask another host for something."""
    for path in sorted(Path(config.site_dir).rglob("*")):
        if path.suffix in {".html", ".css"} and (found := FOREIGN.search(path.read_text())):
            message = f"{path} loads something from another host: {found[0]}"
            raise PluginError(message)


def _notebook_page(notebook: Path) -> dict[str, str | bytes]:
    """A notebook as a page with the outputs that it holds, and its figures, by their names."""
    page = notebook.relative_to(DOCS).with_suffix(".md")
    parts, files = [], {}
    for number, cell in enumerate(json.loads(notebook.read_text(encoding="utf-8"))["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        by_kind: dict[str, list[dict[str, Any]]] = {"display_data": [], "execute_result": []}
        for output in cell["outputs"]:
            by_kind[output["output_type"]].append(output["data"])
        said = "".join("".join(data["text/plain"]) for data in by_kind["display_data"])
        if said:
            parts.append(f"```text\n{COLOUR.sub('', said).rstrip()}\n```")
        for data in by_kind["execute_result"]:
            if "image/svg+xml" in data:
                name = f"{page.stem}-{number}.svg"
                files[(page.parent / name).as_posix()] = "".join(data["image/svg+xml"]).encode()
                parts.append(f"![figure]({name})")
            elif "text/html" in data:
                html = "".join(data["text/html"])
                parts.append("<div>\n" + BLANK.sub("\n", html).strip() + "\n</div>")
    parts.append(f"[The notebook]({notebook.name}), to be run.\n")
    return {page.as_posix(): "\n\n".join(parts), **files}


def _target(link: str, written_at: str) -> str | None:
    """The file of the repository that a link leads to, from the root; None for any other link."""
    if "://" in link or link.startswith("mailto:"):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(written_at), link))
    return path if (ROOT / path).is_file() else None


def _page_of(target: str) -> str:
    if target in ROOT_PAGES:
        return ROOT_PAGES[target]
    return target.removeprefix("docs/") if target.startswith("docs/") else _copy_of(target)


def _copy_of(source: str) -> str:
    """Return the place of a source file on the site; as text, so that a browser shows it."""
    return f"source/{source}.txt"


def _linked_sources() -> Iterator[str]:
    for document in [*(ROOT / name for name in ROOT_PAGES), *DOCS.rglob("*.md")]:
        written_at = document.relative_to(ROOT).as_posix()
        for _, link, _ in LINK.findall(document.read_text()):
            target = _target(link, written_at)
            if target and target not in ROOT_PAGES and not target.startswith("docs/"):
                yield target


def _commands_page() -> str:
    """Each command with its options, as `--help` has them."""
    text = "# Commands\n\nAs `--help` prints them.\n"
    for command in COMMANDS:
        done = subprocess.run(  # noqa: S603 - our own commands
            [sys.executable, "-m", *command.split(), "--help"],
            cwd=ROOT,
            env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
        text += f"\n## python -m {command}\n\n```text\n{done.stdout.strip()}\n```\n"
    return text
