"""Check which machines of a cluster can reach the study's folder: is it shared, or on one machine's disk.

The driver writes a token, unique to this command, into the folder; each machine looks for it and tries
to write a file next to it. A folder of the same path on another disk has a different token or none. A
process on a machine that joins later calls `StorageVisibility.here` itself. Does not import Ray.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from study.errors import StorageError
from study.store.folder import StudyFolder

TOKEN_FILE = ".reach"  # noqa: S105 - a file's name
"""File that holds the token; it is in the folder while the study runs."""


class Machine(Protocol):
    """Interface of a machine, as far as this module needs it."""

    @property
    def hostname(self) -> str:
        """Name of the machine."""


class Machines(Protocol):
    """Interface of a cluster, as far as this module needs it."""

    def on_each_node(
        self, function: Callable[..., Any], *arguments: object
    ) -> Sequence[tuple[Machine, Any]]:
        """Return each machine with the result of `function` there; None if it did not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageVisibility:
    """Visibility of the study's folder from the machines of a cluster; may be sent to other machines.

    Attributes:
        results_dir: Absolute path or URI of the folder that holds the study's folder.
        study: Name of the study.
        token: Token that the driver wrote; None if the study runs on this machine alone.
        may_miss: Whether a machine that joins later might not reach the folder.
        without: Host names of the current machines that cannot reach it.
    """

    results_dir: str
    study: str
    token: str | None
    may_miss: bool = False
    without: tuple[str, ...] = ()

    def folder(self) -> StudyFolder:
        """The study's folder."""
        return StudyFolder(self.results_dir, self.study)

    def here(self) -> bool:
        """Return whether the calling machine can read and write the study's folder."""
        return self.token is None or can_access(self.results_dir, self.study, self.token)

    def warnings(self) -> tuple[str, ...]:
        """Return a warning if machines cannot reach the folder, or might join without it; otherwise empty."""
        if self.without:
            who = f"{', '.join(self.without)}: cannot write to"
        elif self.may_miss:
            who = "a machine that joins later may not see"
        else:
            return ()
        warning = (
            f"{who} {self.results_dir}/{self.study}. Rows and energies from there come back through "
            "Ray, but checkpoints do not, so a trial that is lost there starts over. For checkpoints on "
            "all machines give --results-dir a folder that all of them mount, or a URI such as "
            "s3://bucket/folder."
        )
        return (warning,)


@contextmanager
def check_visibility(folder: StudyFolder, machines: Machines | None) -> Iterator[StorageVisibility]:
    """Ask every machine whether it can reach the folder; the token stays there until the context ends.

    Args:
        folder: The study's folder, which this machine can write to.
        machines: Cluster that trials run on; None for this machine alone.
    """
    study = folder.path.rpartition("/")[2]
    if machines is None:
        yield StorageVisibility(results_dir=folder.storage_path, study=study, token=None)
        return
    token = uuid.uuid4().hex
    folder.write_text(TOKEN_FILE, token)
    try:
        answers = machines.on_each_node(can_access, folder.storage_path, study, token)
        yield StorageVisibility(
            results_dir=folder.storage_path,
            study=study,
            token=token,
            # If two machines reach the path, it is shared; with one machine that is not known.
            may_miss=folder.is_local and len(answers) == 1,
            without=tuple(dict.fromkeys(each.hostname for each, answer in answers if not answer)),
        )
    finally:
        folder.delete(TOKEN_FILE)


def can_access(results_dir: str, study: str, token: str) -> bool:
    """Return whether this machine finds the driver's `token` in the folder, and can write there."""
    probe = f"{TOKEN_FILE}-{uuid.uuid4().hex}"
    try:
        folder = StudyFolder(results_dir, study)
        if folder.read_bytes(TOKEN_FILE) != token.encode():
            return False
        folder.write_bytes(probe, token.encode())
    except (OSError, StorageError):
        return False
    folder.delete(probe)
    return True
