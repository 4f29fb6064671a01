"""Import of this project's packages in workers, whatever the user's working folder contains.

Ray puts the working folder first on the import path of its workers. If the user has a folder `models` or
`study` there, a worker would import it instead of this project's package.
"""

from pathlib import Path

PACKAGES = {
    "analysis": "quantities.py",
    "models": "transfer.py",
    "study": "design.py",
    "trackers": "sample.py",
}
"""This project's packages, each with a file that distinguishes it from another package of that name."""

ROOT = Path(__file__).resolve().parent.parent.parent
"""Folder that holds these packages in this process."""


def shadowed_by(folder: Path) -> tuple[str, ...]:
    """Return the names of our packages that a folder would shadow if it came first on the import path."""
    if folder.resolve() == ROOT:
        return ()
    return tuple(
        name
        for name, file in PACKAGES.items()
        if ((folder / name).is_dir() or (folder / f"{name}.py").is_file())
        and not (folder / name / file).is_file()
    )


def find_ours() -> None:
    """Install an import finder that finds our packages before any others of these names.

    Our commands call it, and so does each Ray worker if a folder shadows our packages. It is pickled by
    value to get there, so it imports what it needs inside the function, and nothing of ours.
    """
    import importlib.machinery  # noqa: PLC0415
    import os  # noqa: PLC0415
    import sys  # noqa: PLC0415

    def root() -> str | None:
        for each in sys.path:
            if all(os.path.isfile(os.path.join(each, *file)) for file in PACKAGES.items()):  # noqa: PTH113, PTH118 - no more imports than it needs
                return each
        return None

    class Ours:
        """Finds our packages in the first folder on the path that has all of them."""

        def find_spec(
            self, name: str, path: object = None, target: object = None
        ) -> importlib.machinery.ModuleSpec | None:
            del target
            if path is not None or name not in PACKAGES:
                return None
            place = root()
            if place is None:
                return None
            return importlib.machinery.PathFinder.find_spec(name, [place])

    sys.meta_path.insert(0, Ours())
