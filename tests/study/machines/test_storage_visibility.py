"""Which machines see the study's folder."""

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
    """A machine with, in place of the driver's folder, one of its own, or the same."""

    hostname: str
    results_dir: Path | None


class Hosts:
    """Machines that are asked in this process."""

    def __init__(self, *hosts: Host) -> None:
        """They are `hosts`; one without a folder does not answer."""
        self._hosts = hosts

    def on_each_node(
        self, function: Callable[..., Any], *arguments: object
    ) -> list[tuple[Machine, Any]]:
        """Each machine's answer, with its own file system under the path."""
        _, *others = arguments
        return [
            (each, function(str(each.results_dir), *others) if each.results_dir else None)
            for each in self._hosts
        ]


def without(tmp_path: Path, *hosts: Host) -> tuple[str, ...]:
    """Who does not see the driver's folder."""
    with check_visibility(StudyFolder(str(tmp_path / "head"), "a"), Hosts(*hosts)) as visibility:
        return visibility.without


def test_machines_that_mount_the_folder_see_it(tmp_path: Path) -> None:
    """On storage that all share nobody is named, and afterwards no trace is left of the question."""
    shared = tmp_path / "head"

    found = without(tmp_path, Host("h1", shared), Host("h2", shared))

    assert found == ()
    assert list((shared / "a").iterdir()) == []


def test_machines_with_a_disk_of_their_own_are_named_once(tmp_path: Path) -> None:
    """Two raylets of one machine have one name."""
    head, own = Host("h1", tmp_path / "head"), Host("h2", tmp_path / "own")

    found = without(tmp_path, head, own, own)

    assert found == ("h2",)
    assert not (tmp_path / "own").exists()


def test_a_copy_of_the_folder_is_not_the_folder(tmp_path: Path) -> None:
    """What an earlier command left on a machine's own disk has another token."""
    (tmp_path / "own" / "a").mkdir(parents=True)
    (tmp_path / "own" / "a" / ".reach").write_text("of last week")

    assert without(tmp_path, Host("h2", tmp_path / "own")) == ("h2",)


def test_a_machine_that_does_not_answer_is_taken_not_to_see_it(tmp_path: Path) -> None:
    """Better a checkpoint less than a trial that waits for one."""
    assert without(tmp_path, Host("h1", tmp_path / "head"), Host("h2", None)) == ("h2",)


def test_a_folder_that_can_only_be_read_is_not_seen(tmp_path: Path) -> None:
    """A mount without the right to write, or without room, would break with the first checkpoint."""
    StudyFolder(str(tmp_path), "a").write_text(".reach", "t")
    before = can_access(str(tmp_path), "a", "t")

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))  # no file may grow: holds for root as well
    try:
        during = can_access(str(tmp_path), "a", "t")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert (before, during) == (True, False)


def test_a_machine_that_joins_later_asks_for_itself(tmp_path: Path) -> None:
    """While the study runs, a process can find out where it is; when it has ended, nobody sees it."""
    folder = StudyFolder(str(tmp_path), "a")
    with check_visibility(folder, Hosts(Host("h1", tmp_path))) as visibility:
        during = visibility.here()

    assert during
    assert not visibility.here()


def test_one_machine_alone_is_not_asked(tmp_path: Path) -> None:
    """A study without a cluster writes no token and starts no process for it."""
    folder = StudyFolder(str(tmp_path), "a")

    with check_visibility(folder, None) as visibility:
        said = visibility.warnings()

    assert visibility.here()
    assert said == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        (("head", "own"), "h1: cannot write to {path}. Rows and energies from there come back"),
        (("head",), "a machine that joins later may not see {path}. Rows"),
    ],
)
def test_what_cannot_be_restored_is_said(tmp_path: Path, hosts: tuple[str, ...], said: str) -> None:
    """With where it lies, what is lost, and what to give instead."""
    machines = Hosts(*(Host(f"h{number}", tmp_path / own) for number, own in enumerate(hosts)))
    with check_visibility(StudyFolder(str(tmp_path / "head"), "a"), machines) as visibility:
        (warning,) = visibility.warnings()

    assert warning.startswith(said.format(path=tmp_path / "head" / "a"))
    assert "--results-dir" in warning


def test_nothing_is_said_where_nothing_is_lost(tmp_path: Path) -> None:
    """Two machines that see one path share it, and so will others; a URI is there for all."""
    both = Hosts(Host("h1", tmp_path), Host("h2", tmp_path))
    with check_visibility(StudyFolder(str(tmp_path), "a"), both) as shared:
        pass
    uri = StorageVisibility(results_dir="s3://bucket/folder", study="a", token=shared.token)

    assert shared.warnings() == uri.warnings() == ()
