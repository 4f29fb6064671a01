"""Count the rooms of each package, the arrows between them, and the floors that they are on.

    python scripts/count_rooms.py [ROOT]

A room is a folder right under the package, or a file there. An arrow is an import from one room to
another; the number of floors is that of the rooms on the longest chain of arrows.
"""

import ast
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

PACKAGES = ("trackers", "models", "study", "analysis")
Arrows = Mapping[str, set[str]]


def rooms_of(root: Path, package: str) -> dict[str, set[str]]:
    """Return each room of a package with the rooms that it imports from."""
    arrows: dict[str, set[str]] = {}
    for path in sorted((root / package).rglob("*.py")):
        room = path.relative_to(root / package).parts[0].removesuffix(".py")
        if room != "__init__":
            arrows.setdefault(room, set()).update(
                imported.split(".")[1]
                for imported in imports_of(path)
                if imported.startswith(f"{package}.")
            )
    return {room: (below & arrows.keys()) - {room} for room, below in arrows.items()}


def fullest(root: Path, package: str) -> tuple[int, str]:
    """Return the number of files in the fullest folder, and the folder."""
    folders = {path.parent for path in (root / package).rglob("*.py")}
    return max(
        (
            len(list(folder.glob("*.py"))),
            str(folder.relative_to(root)),
        )
        for folder in folders
    )


def imports_of(path: Path) -> set[str]:
    """Return every module, and every name in one, that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def floors(arrows: Arrows) -> int:
    """Return the number of rooms on the longest chain of arrows.

    Raises:
        RecursionError: There is a cycle.
    """

    @cache
    def height(room: str) -> int:
        return 1 + max(map(height, arrows[room]), default=0)

    return max(map(height, arrows))


def main() -> None:
    """Print a line for each package."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent
    for package in PACKAGES:
        arrows = rooms_of(root, package)
        files, folder = fullest(root, package)
        sys.stdout.write(
            f"{package:9} {len(arrows):3} rooms on {floors(arrows):2} floors, "
            f"{sum(map(len, arrows.values())):3} arrows; {files} files in {folder}\n"
        )


if __name__ == "__main__":
    main()
