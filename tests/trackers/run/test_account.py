"""The lines of a run's account."""

import io

import pytest
from rich.console import Console

from tests.trackers.test_bill import BOARD, DRAM, MACHINE, PACKAGE, PLUG, readings
from trackers.bill import COMPONENTS
from trackers.run.account import Account, account
from trackers.run.text import live_line, show
from trackers.sample import Component, Method


def of_machine(**missing: None) -> Account:
    """Account of a second on a machine with a plug, a board, a package and memory."""
    return account(
        ["train", "--fast"],
        MACHINE,
        readings(**missing),
        status=0,
        duration_s=1.0,
        peaks_w={frozenset({Component.GPU}): 350.0, COMPONENTS: 450.0},
        g_per_kwh=360.0,
    )


def text(of_run: Account) -> str:
    """The account as a terminal shows it."""
    console = Console(width=100, file=io.StringIO(), force_terminal=False)
    with console.capture() as capture:
        show(of_run, console)
    return capture.get()


def test_each_component_has_its_line_and_the_node_is_not_added() -> None:
    """The total is of board, package and memory; the plug's energy already contains them."""
    of_run = of_machine()

    energies_j = {line.components[0]: line.energy_j for line in of_run.lines}
    assert energies_j == {
        Component.GPU: 300,
        Component.CPU: 80,
        Component.MEMORY: 20,
        Component.NODE: 500,
    }
    assert of_run.total.energy_j == 400
    assert of_run.total.devices == (BOARD.name, PACKAGE.name, DRAM.name)
    assert of_run.total.methods == (Method.COUNTER,)
    assert of_run.total.peak_power_w == 450
    assert of_run.g_co2e == pytest.approx(400 / 3.6e6 * 360)
    assert [line.is_whole for line in of_run.lines] == [False, False, False, True]
    assert of_run.lines[-1].devices == (PLUG.name,)


def test_a_missing_part_leaves_the_total_unknown() -> None:
    """The total is not the sum of the rest, and the text says what is missing."""
    of_run = of_machine(board=None)

    assert of_run.total.energy_j is None
    assert of_run.g_co2e is None
    assert "missing: silent" in text(of_run)


def test_the_text_says_what_is_whole_and_what_is_added() -> None:
    """The plug is labelled as the whole machine, and the total names its parts."""
    page = text(of_machine())

    assert "train --fast: 1 s, exit status 0" in page
    assert "the whole machine, whoever used it" in page
    assert "gpu + cpu + memory" in page
    assert "0.04 g CO2e for gpu, cpu, memory" in page


def test_the_live_line_marks_estimates() -> None:
    """The line has the time, and the power of each component that is known."""
    powers_w = {frozenset({Component.GPU}): 254.4, frozenset({Component.CPU}): 31.0}

    line = live_line(12.2, powers_w, frozenset({Component.CPU}))

    assert line == "12 s  gpu 254 W  cpu ~31 W"
