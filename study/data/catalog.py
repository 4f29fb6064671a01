"""Table of the data sets that `python -m study.data` knows; a new one is a line in `DATA_SETS`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console

from study.data.celeba import commands as celeba_commands
from study.data.pamap2 import commands as pamap2_commands


class Command(Protocol):
    """Command for a data set, such as `get pamap2`; its fields are its options."""

    @property
    def data_dir(self) -> Path: ...  # noqa: D102 - the folder of the data set

    def run(self, console: Console) -> bool:
        """Run the command and print the outcome; return False if the data have faults or are incomplete.

        Raises:
            OptionError: An option is wrong.
            DataError: The data are not as they should be, or could not be fetched.
        """
        ...


@dataclass(frozen=True, slots=True)
class DataSet:
    """Commands of a data set, each a dataclass that is a `Command`."""

    get: type[Command]
    check: type[Command]
    sample: type[Command]


DATA_SETS = {
    "celeba": DataSet(celeba_commands.Get, celeba_commands.Check, celeba_commands.Sample),
    "pamap2": DataSet(pamap2_commands.Get, pamap2_commands.Check, pamap2_commands.Sample),
}
