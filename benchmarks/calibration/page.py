"""Replacement of tables in the page that shows them, between comments that name them.

<!-- table: intervals -->
...
<!-- end -->
"""

import re
from collections.abc import Mapping
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-far-the-advice-holds.md"


def refreshed(text: str, tables: Mapping[str, str]) -> str:
    """Return a page with its tables replaced.

    Args:
        text: Text of the page.
        tables: Tables in Markdown by name.

    Raises:
        ValueError: The page has no place for a table.
    """
    for name, body in tables.items():
        place = re.compile(rf"(<!-- table: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        found = place.search(text)
        if found is None:
            msg = f"the page has no `<!-- table: {name} -->` ... `<!-- end -->`"
            raise ValueError(msg)
        text = f"{text[: found.end(1)]}\n{body}\n\n{text[found.start(2) :]}"
    return text
