"""Upload of the working folder to a cluster's machines: code, but neither secrets nor results.

Ray packs the folder, except for what `.gitignore`, `.rayignore` and the patterns here exclude.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ray._private.runtime_env import packaging

from study.errors import ClusterError
from study.record.files import MANIFEST_FILE

_quiet = logging.getLogger(f"{__name__}.packaging")
_quiet.setLevel(logging.CRITICAL)  # Ray would log each excluded file a second time

SECRETS = (
    *(".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.kdbx", "id_rsa*", "id_ecdsa*"),
    *("id_ed25519*", ".netrc", ".pgpass", ".pypirc", ".npmrc", ".git-credentials", "auth_token"),
    *(".ssh/", ".aws/", ".azure/", ".config/gcloud/", ".kube/", ".gnupg/", ".docker/", ".ray/"),
    *("credentials.json", "service-account*.json"),
)
"""Names of files and folders that hold secrets, in the syntax of `.gitignore`."""

EXCLUDED = (
    *("results/", ".venv/", "venv/", ".git/", "__pycache__/", "node_modules/", "data/**"),
    *("*.dat", "*.zip", *SECRETS),
)
"""Files and folders of the working folder that are not uploaded, in the same syntax."""

LOOK_FOR_STUDIES = 3
"""Depth of folders that are searched for other studies' results, which are not uploaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Selection of files to upload.

    Attributes:
        folder: The working folder.
        excluded: Patterns that are not uploaded, in the syntax of `.gitignore`.
        files: Number of files that are uploaded.
        size_bytes: Total size of those files.
    """

    folder: Path
    excluded: tuple[str, ...]
    files: int
    size_bytes: int

    def __str__(self) -> str:
        """Describe the upload for messages."""
        return (
            f"{self.folder}: {self.files} files, {self.size_bytes / 1e6:.1f} MB, without results, "
            "secrets (.env, keys) and what .gitignore names"
        )


def upload_of(folder: Path, *, home: Path | None = None) -> Upload:
    """Return the selection of files in a folder that are uploaded.

    Args:
        folder: The working folder.
        home: The user's home folder; None to look it up.

    Raises:
        ClusterError: The folder is the root of the file system or the user's home.
    """
    folder = folder.resolve()
    if folder in {Path(folder.anchor), home or _home()}:
        message = (
            f"--address: the working folder is {folder}, and all of it would be sent to the cluster's "
            "machines. Start the command in the folder of your project."
        )
        raise ClusterError(message)
    studies = (
        f"/{found.parent.relative_to(folder)}/"
        for depth in range(1, LOOK_FOR_STUDIES + 1)
        for found in folder.glob("/".join(["*"] * depth) + f"/{MANIFEST_FILE}")
    )
    excluded = (*EXCLUDED, *studies)
    sizes: list[int] = []

    def take(path: Path) -> None:
        if path.is_file():
            sizes.append(path.stat().st_size)

    matches: Callable[[Path], bool] = packaging._get_excludes(folder, list(excluded))  # noqa: SLF001
    packaging._dir_travel(  # noqa: SLF001
        folder, [matches], take, include_gitignore=True, logger=_quiet
    )
    return Upload(folder=folder, excluded=excluded, files=len(sizes), size_bytes=sum(sizes))


def _home() -> Path | None:
    """Return the user's home folder; None if there is none, as in containers with an arbitrary user id."""
    try:
        return Path.home().resolve()
    except RuntimeError:
        return None
