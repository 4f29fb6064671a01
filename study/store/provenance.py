"""Provenance of results: versions of software, git commit and wall time."""

import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

PACKAGES = ("numpy", "pandas", "power-of-training", "pyarrow", "ray", "torch")


def versions() -> dict[str, str]:
    """Return the versions of Python, the operating system and the main packages; absent ones are left out."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def git_commit() -> str | None:
    """Return the git commit of the checkout that contains this file; None if it is in no checkout.

    A `+` is appended if tracked files were changed.
    """
    here = Path(__file__).parent
    try:
        _git("ls-files", "--error-unmatch", Path(__file__).name, here=here)
        commit = _git("rev-parse", "HEAD", here=here)
        changed = _git("status", "--porcelain", "--untracked-files=no", here=here)
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}+" if changed else commit


def now() -> str:
    """Return the current wall time as a label: ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _git(*words: str, here: Path) -> str:
    done = subprocess.run(  # noqa: S603 - fixed words
        ["git", *words],  # noqa: S607 - the user's own git
        cwd=here,
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return done.stdout.strip()
