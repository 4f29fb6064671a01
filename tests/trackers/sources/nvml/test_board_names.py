"""UUID of the board that an entry of CUDA_VISIBLE_DEVICES means."""

from pathlib import Path

import pytest

from tests.fake_nvml import UUIDS, Boards, mig_uuid
from tests.trackers.sources.nvml.emulated import run

RESOLVE = """
from trackers.sources.nvml.source import uuid_of
from trackers.errors import UnknownDeviceError
def answer(visible):
    try:
        return uuid_of(visible)
    except UnknownDeviceError as error:
        return "unknown: " + str(error)
"""


def resolve(library: Path, entries: list[str], boards: Boards) -> list[str]:
    """Answers of `uuid_of` to some entries."""
    answers: list[str] = run(
        RESOLVE + f"out = [answer(each) for each in {entries}]", boards, library
    )
    return answers


@pytest.mark.slow
def test_indices_are_in_pci_order(library: Path) -> None:
    """Index i is board i of the bus, although NVML lists the 4 boards in another order."""
    answers = resolve(library, ["2", "0", "3", "1"], Boards(boards=4, order="2,0,3,1"))

    assert answers == [UUIDS[2], UUIDS[0], UUIDS[3], UUIDS[1]]


def test_uuids_may_be_shortened_while_they_are_unique(library: Path) -> None:
    """Whole and shortened UUIDs find their board, whatever letters they begin with."""
    entries = [*UUIDS[:4], "GPU-c4", "GPU-1", "GPU-8932"]

    answers = resolve(library, entries, Boards(boards=4, order="3,2,1,0"))

    assert answers == [*UUIDS[:4], UUIDS[2], UUIDS[1], UUIDS[0]]


@pytest.mark.parametrize(
    "entry", ["4", "-1", "", "GPU-", "GPU-89", "GPU-ffff", "PU-8932", "cuda:0"]
)
def test_unclear_entries_are_refused_with_the_list(library: Path, entry: str) -> None:
    """An entry that means no board, or two, is an error that lists the boards."""
    (answer,) = resolve(library, [entry], Boards(boards=4))

    assert answer.startswith("unknown: ")
    assert all(uuid in answer for uuid in UUIDS[:4])


def test_mig_instances_stand_for_their_board(library: Path) -> None:
    """New and old names of MIG instances mean the board that they are a part of."""
    entries = [mig_uuid(1, 0), mig_uuid(2, 1), mig_uuid(2, 1)[:12], f"MIG-{UUIDS[3]}/1/0"]

    answers = resolve(library, entries, Boards(boards=4, mig=1, order="2,0,3,1"))

    assert answers == [UUIDS[1], UUIDS[2], UUIDS[2], UUIDS[3]]


def test_index_is_refused_while_a_board_is_lost(library: Path) -> None:
    """An index counts all boards, so it is ambiguous while one is missing; a UUID still works."""
    boards = Boards(boards=3, lost_board=0, lost_at_s=1e-3)

    answers = resolve(library, ["1", "GPU-c47d"], boards)

    assert answers[0].startswith("unknown: ")
    assert answers[1] == UUIDS[2]
