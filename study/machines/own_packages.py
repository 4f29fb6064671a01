"""Our packages in the processes of others: found whatever lies in the folder where a study is started.

Ray puts the working folder first on the search path of its workers. Where a folder `models` or `study`
of the user's lies there, a worker would import it in the place of ours.
"""

from pathlib import Path

PACKAGES = {
    "analysis": "quantities.py",
    "models": "transfer.py",
    "study": "design.py",
    "trackers": "sample.py",
}
"""Our packages, with a file of each that tells it from another of that name."""

ROOT = Path(__file__).resolve().parent.parent.parent
"""The folder that holds them in this process."""


def hidden_in(folder: Path) -> tuple[str, ...]:
    """Return which of our packages a folder hides from whoever searches there first."""
    if folder.resolve() == ROOT:
        return ()
    return tuple(
        name
        for name, file in PACKAGES.items()
        if ((folder / name).is_dir() or (folder / f"{name}.py").is_file())
        and not (folder / name / file).is_file()
    )


def find_ours() -> None:
    """Have this process find our packages first.

    Run by our commands, and by each of Ray's workers where a folder hides them: it travels there by
    value, so it imports what it needs itself, and nothing of ours.
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
        """Finds our packages where all of them lie, before any other finder is asked."""

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
