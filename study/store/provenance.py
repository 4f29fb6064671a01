"""Provenance of results: versions, commit, and the machine's description of itself."""

import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

PACKAGES = ("numpy", "pandas", "power-of-training", "pyarrow", "ray", "torch")


def versions() -> dict[str, str]:
    """Python, the operating system and the packages that matter; what is absent is left out."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def git_commit() -> str | None:
    """Commit of the checkout that this file lies in, with `+` where it was changed; else None."""
    here = Path(__file__).parent
    try:
        _git("ls-files", "--error-unmatch", Path(__file__).name, here=here)
        commit = _git("rev-parse", "HEAD", here=here)
        changed = _git("status", "--porcelain", "--untracked-files=no", here=here)
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}+" if changed else commit


def now() -> str:
    """Wall time as a label: ISO 8601, UTC."""
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
