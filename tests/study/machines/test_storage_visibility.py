"""Detection of the machines that can access a study's folder."""

import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from study.machines.storage_visibility import (
    Machine,
    StorageVisibility,
    can_access,
    check_visibility,
)
from study.store.folder import StudyFolder


@dataclass(frozen=True)
class Host:
    """Machine on which the driver's path leads to a given folder: the same one or another."""

    hostname: str
    results_dir: Path | None


class Hosts:
    """Cluster whose machines answer in this process."""

    def __init__(self, *hosts: Host) -> None:
        """Create a cluster of hosts; one without a folder does not answer."""
        self._hosts = hosts

    def on_each_node(
        self, function: Callable[..., Any], *arguments: object
    ) -> list[tuple[Machine, Any]]:
        """Call a function for each machine, with the folder that the path leads to there."""
        _, *others = arguments
        return [
            (each, function(str(each.results_dir), *others) if each.results_dir else None)
            for each in self._hosts
        ]


def without(tmp_path: Path, *hosts: Host) -> tuple[str, ...]:
    """Return the machines that cannot access the driver's folder."""
    with check_visibility(StudyFolder(str(tmp_path / "head"), "a"), Hosts(*hosts)) as visibility:
        return visibility.without


def test_machines_that_mount_the_folder_see_it(tmp_path: Path) -> None:
    """With shared storage, no machine is named, and the check leaves no file behind."""
    shared = tmp_path / "head"

    found = without(tmp_path, Host("h1", shared), Host("h2", shared))

    assert found == ()
    assert list((shared / "a").iterdir()) == []


def test_machines_with_their_own_disk_are_named_once(tmp_path: Path) -> None:
    """Two raylets of one machine have the same name."""
    head, own = Host("h1", tmp_path / "head"), Host("h2", tmp_path / "own")

    found = without(tmp_path, head, own, own)

    assert found == ("h2",)
    assert not (tmp_path / "own").exists()


def test_a_copy_of_the_folder_is_not_the_folder(tmp_path: Path) -> None:
    """The file that an earlier command left on a machine's own disk holds another token."""
    (tmp_path / "own" / "a").mkdir(parents=True)
    (tmp_path / "own" / "a" / ".reach").write_text("of last week")

    assert without(tmp_path, Host("h2", tmp_path / "own")) == ("h2",)


def test_a_machine_that_does_not_answer_counts_as_without_access(tmp_path: Path) -> None:
    """It is better to lose a checkpoint than to let a trial wait for one."""
    assert without(tmp_path, Host("h1", tmp_path / "head"), Host("h2", None)) == ("h2",)


def test_a_read_only_folder_counts_as_without_access(tmp_path: Path) -> None:
    """On a mount that is read-only or full, the first checkpoint would fail."""
    StudyFolder(str(tmp_path), "a").write_text(".reach", "t")
    before = can_access(str(tmp_path), "a", "t")

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))  # no file may grow, not even for root
    try:
        during = can_access(str(tmp_path), "a", "t")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert (before, during) == (True, False)


def test_a_machine_that_joins_later_checks_for_itself(tmp_path: Path) -> None:
    """A process can check its own access while the study runs; afterwards the token is gone."""
    folder = StudyFolder(str(tmp_path), "a")
    with check_visibility(folder, Hosts(Host("h1", tmp_path))) as visibility:
        during = visibility.here()

    assert during
    assert not visibility.here()


def test_a_study_without_a_cluster_checks_nothing(tmp_path: Path) -> None:
    """It writes no token, gives no warning, and its own machine has access."""
    folder = StudyFolder(str(tmp_path), "a")

    with check_visibility(folder, None) as visibility:
        warnings = visibility.warnings()

    assert visibility.here()
    assert warnings == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("hosts", "message"),
    [
        (("head", "own"), "h1: cannot write to {path}. Rows and energies from there come back"),
        (("head",), "a machine that joins later may not see {path}. Rows"),
    ],
)
def test_machines_without_access_are_warned_about(
    tmp_path: Path, hosts: tuple[str, ...], message: str
) -> None:
    """The warning has the path, what cannot be restored, and the option to give instead."""
    machines = Hosts(*(Host(f"h{number}", tmp_path / own) for number, own in enumerate(hosts)))
    with check_visibility(StudyFolder(str(tmp_path / "head"), "a"), machines) as visibility:
        (warning,) = visibility.warnings()

    assert warning.startswith(message.format(path=tmp_path / "head" / "a"))
    assert "--results-dir" in warning


def test_shared_storage_gives_no_warning(tmp_path: Path) -> None:
    """If two machines share a path, further ones will too; a URI is accessible from everywhere."""
    both = Hosts(Host("h1", tmp_path), Host("h2", tmp_path))
    with check_visibility(StudyFolder(str(tmp_path), "a"), both) as shared:
        pass
    uri = StorageVisibility(results_dir="s3://bucket/folder", study="a", token=shared.token)

    assert shared.warnings() == uri.warnings() == ()
