"""Which device is measured for whom."""

from dataclasses import replace

import pytest

from trackers.errors import UnknownDeviceError
from trackers.node.ledger import TrackerFacts, WindowKey
from trackers.sample import Component, Device, Method, process_device

BOARDS = tuple(
    Device(uuid=uuid, name="board", component=Component.GPU)
    for uuid in (
        "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6",
        "GPU-1f0e7a6b-93c2-58d4-a1b7-6e0d4c82f513",
        "GPU-c47d20e8-5b19-f3a6-0d84-97ab31e65c02",
        "GPU-89a1c5e2-0b7d-9e34-5f61-7c20d4b8e913",
    )
)
CPU = Device(uuid="cpu:node-1", name="CPU", component=Component.CPU)
APPLE = Device(uuid="apple-gpu:Mac14,7:mac-1", name="Mac14,7 GPU", component=Component.GPU)
RECORDING = Device(
    uuid="recorded:run.csv", name="recording", component=Component.GPU, is_recording=True
)


def facts(*devices: Device) -> TrackerFacts:
    """A node that measures some devices."""
    return TrackerFacts(
        node_id="n",
        hostname="node-1",
        source="some",
        note="",
        method=Method.COUNTER,
        refused={},
        devices=devices,
        idle_power_w={},
    )


def target(
    *devices: Device, uuid: str | None = None, on_accelerator: bool = True
) -> tuple[str, Device]:
    """What process 77 computes on, as its bill has it."""
    bill = facts(*devices).bill(accelerator_uuid=uuid, on_accelerator=on_accelerator, pid=77)
    return bill[0].target, bill[0].device


@pytest.mark.parametrize("board", BOARDS)
def test_a_board_is_found_by_its_identifier(board: Device) -> None:
    """Of four boards the trial's own is measured, whatever their order."""
    assert target(*BOARDS, uuid=board.uuid) == (board.uuid, board)
    assert target(*reversed(BOARDS), uuid=board.uuid) == (board.uuid, board)


def test_a_foreign_board_is_never_taken() -> None:
    """A board that the source does not measure is an error that lists what it does measure."""
    with pytest.raises(UnknownDeviceError, match=r"GPU-x; some on node-1 measures GPU-8932.*89a1"):
        target(*BOARDS, uuid="GPU-x")
    with pytest.raises(UnknownDeviceError, match="GPU-x"):
        target(BOARDS[0], uuid="GPU-x")


def test_without_an_identifier_no_board_is_guessed() -> None:
    """One of several is never chosen, and none is charged to who computes on the CPU."""
    with pytest.raises(UnknownDeviceError, match="accelerator is not known"):
        target(*BOARDS)
    with pytest.raises(UnknownDeviceError, match="measures GPU-8932"):
        target(BOARDS[0], on_accelerator=False)


def test_an_only_board_needs_no_identifier() -> None:
    """Apple's GPU has none that torch could tell; who computes on it is charged for it."""
    assert target(APPLE, CPU) == (APPLE.uuid, APPLE)
    assert target(CPU, APPLE) == (APPLE.uuid, APPLE)


def test_who_computes_on_the_cpu_is_charged_by_process() -> None:
    """A CPU is shared: the process is asked for, also beside a board that it does not use."""
    assert target(CPU, on_accelerator=False) == (process_device(77), CPU)
    assert target(APPLE, CPU, on_accelerator=False) == (process_device(77), CPU)


def test_where_only_the_cpu_is_measured_a_board_user_gets_its_cpu_share() -> None:
    """A source that knows no boards measures what it can; its method and device say what."""
    assert target(CPU, uuid=BOARDS[0].uuid) == (process_device(77), CPU)


def test_a_bill_has_the_board_and_the_shares_of_the_machine() -> None:
    """The board first; CPUs together, each memory, and the node that contains them."""
    cpus = [replace(CPU, uuid=f"cpu:node-1:package-{n}") for n in (0, 1)]
    memory = Device(uuid="memory:node-1:0", name="DIMMs", component=Component.MEMORY)
    plug = Device(uuid="plug:desk", name="plug", component=Component.NODE)
    found = facts(plug, memory, *cpus, *BOARDS)

    bill = found.bill(accelerator_uuid=BOARDS[2].uuid, on_accelerator=True, pid=77)

    assert [(item.target, item.device.uuid) for item in bill] == [
        (BOARDS[2].uuid, BOARDS[2].uuid),
        (process_device(77), "cpu:node-1:package-0+cpu:node-1:package-1"),
        (process_device(77, memory.uuid), memory.uuid),
        (plug.uuid, plug.uuid),
    ]


def test_who_computes_on_the_cpu_pays_it_once() -> None:
    """It is first on the bill, and not on it again."""
    bill = facts(CPU).bill(accelerator_uuid=None, on_accelerator=False, pid=77)

    assert [item.device for item in bill] == [CPU]


def test_a_recording_is_for_whoever_asks() -> None:
    """It stands for any device."""
    assert target(RECORDING, uuid="GPU-x") == (RECORDING.uuid, RECORDING)
    assert target(RECORDING, on_accelerator=False) == (RECORDING.uuid, RECORDING)


def test_keys_are_equal_by_what_they_name() -> None:
    """A window is found again in another process; another attempt is another window."""
    key = WindowKey(trial_id="a", attempt=1, stage="classifier", epoch=3)

    assert key == WindowKey(trial_id="a", attempt=1, stage="classifier", epoch=3)
    assert key != WindowKey(trial_id="a", attempt=2, stage="classifier", epoch=3)
    assert len({key, WindowKey(trial_id="a", attempt=1, stage="classifier", epoch=3)}) == 1
