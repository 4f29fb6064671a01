"""Visibility of the study's folder on a cluster's machines: shared storage, or a disk of one's own.

The driver puts a token of this command into the folder, and each machine looks for it and tries to
write beside it. A copy of the folder that another study left there has another token. A process on
a machine that joins later asks `StorageVisibility.here` for itself. Nothing here knows Ray.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from study.errors import StorageError
from study.store.folder import StudyFolder

TOKEN_FILE = ".reach"  # noqa: S105 - a file's name
"""Lies in the folder while the study runs."""


class Machine(Protocol):
    """A machine, as far as it matters here."""

    @property
    def hostname(self) -> str:
        """Its name."""


class Machines(Protocol):
    """A cluster, as far as it matters here."""

    def on_each_node(
        self, function: Callable[..., Any], *arguments: object
    ) -> Sequence[tuple[Machine, Any]]:
        """Each machine with what `function` answered there; None where it did not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageVisibility:
    """Visibility of the study's folder on each machine; it can be sent to other machines.

    Attributes:
        results_dir: Where the study's folder lies, as `StudyFolder` takes it, whole.
        study: Name of the study.
        token: What the driver wrote there; None where the study runs on this machine alone.
        may_miss: Whether a machine that joins later may not see it.
        without: Names of the machines of now that do not see it.
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
        """Return whether the machine that asks sees the folder, and may write there."""
        return self.token is None or sees(self.results_dir, self.study, self.token)


@contextmanager
def reached(folder: StudyFolder, machines: Machines | None) -> Iterator[StorageVisibility]:
    """Ask every machine whether it sees the folder; while inside, others may ask as well.

    Args:
        folder: The study's folder, which can be written from here.
        machines: Those that trials run on; None for this one alone.
    """
    study = folder.path.rpartition("/")[2]
    if machines is None:
        yield StorageVisibility(results_dir=folder.storage_path, study=study, token=None)
        return
    token = uuid.uuid4().hex
    folder.write_text(TOKEN_FILE, token)
    try:
        answers = machines.on_each_node(sees, folder.storage_path, study, token)
        yield StorageVisibility(
            results_dir=folder.storage_path,
            study=study,
            token=token,
            # Two machines that see one path share it; one alone proves nothing.
            may_miss=folder.is_local and len(answers) == 1,
            without=tuple(dict.fromkeys(each.hostname for each, answer in answers if not answer)),
        )
    finally:
        folder.delete(TOKEN_FILE)


def sees(results_dir: str, study: str, token: str) -> bool:
    """Return whether this machine sees the folder with the driver's `token`, and may write there."""
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


def reach_warnings(reach: StorageVisibility) -> tuple[str, ...]:
    """Warn of what cannot be restored where machines do not see the folder, or may join without."""
    if reach.without:
        who = f"{', '.join(reach.without)}: cannot write to"
    elif reach.may_miss:
        who = "a machine that joins later may not see"
    else:
        return ()
    warning = (
        f"{who} {reach.results_dir}/{reach.study}. Rows and energies from there come back through "
        "Ray, but checkpoints do not, so a trial that is lost there begins anew. For checkpoints on "
        "all machines give --results-dir a folder that all of them mount, or a URI such as "
        "s3://bucket/folder."
    )
    return (warning,)
