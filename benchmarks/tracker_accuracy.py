"""How right epochs of ours are where nothing disturbs the clock: the method's own error.

    python -m benchmarks.tracker_accuracy

The meter's own loop runs on a clock that jumps, so that the figures are the same on every machine,
however busy. `benchmarks.tracker_comparison` measures in real time, beside other people's trackers.
"""

from collections.abc import Sequence

import tyro
from rich.console import Console
from rich.table import Table

from tests.fake_nvml import Boards
from tests.trackers.known_curves import mean_error

LENGTHS_S = (0.1, 0.3, 1.0, 3.0, 10.0)
CURVES = {
    "square wave, counter each 20 ms": Boards(),
    "square wave, counter each 50 ms": Boards(refresh_ms=50),
    "square wave, counter each 100 ms": Boards(refresh_ms=100),
    "ramp, counter each 20 ms": Boards(shape="ramp"),
    "noise, counter each 20 ms": Boards(shape="noise"),
    "bursts of 10 ms, counter each 20 ms": Boards(shape="burst", period_s=0.25),
    "square wave, no counter": Boards(no_counter=1),
    "square wave, no counter, 1 s mean": Boards(no_counter=1, no_instant=1),
}


def main(*, lengths_s: Sequence[float] = LENGTHS_S) -> None:
    """Print the mean absolute error per epoch, by curve and length of epoch.

    Args:
        lengths_s: Lengths of epochs, in seconds.
    """
    table = Table(box=None, padding=(0, 1), width=100)
    table.add_column("curve")
    for length_s in lengths_s:
        table.add_column(f"{length_s:g} s", justify="right")
    for name, boards in CURVES.items():
        errors = [mean_error(boards, length_s=length_s) for length_s in lengths_s]
        table.add_row(name, *(f"{100 * error:.2g} %" for error in errors))
    Console(soft_wrap=True).print(table, highlight=False)


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)
