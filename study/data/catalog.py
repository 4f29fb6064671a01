"""The data sets of `python -m study.data`; a new one is a line in `DATA_SETS`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console

from study.data.celeba import commands as celeba_commands
from study.data.pamap2 import commands as pamap2_commands


class Command(Protocol):
    """One command for one data set; its fields are its options."""

    @property
    def data_dir(self) -> Path: ...  # noqa: D102 - the folder of the data set

    def run(self, console: Console) -> bool:
        """Do it and say what was done; False where the data has faults.

        Raises:
            OptionError: An option is wrong.
            DataError: The data is not as it should be, or could not be fetched.
        """
        ...


@dataclass(frozen=True, slots=True)
class DataSet:
    """Actions of a data set: dataclasses that are a `Command`."""

    get: type[Command]
    check: type[Command]
    sample: type[Command]


DATA_SETS = {
    "celeba": DataSet(celeba_commands.Get, celeba_commands.Check, celeba_commands.Sample),
    "pamap2": DataSet(pamap2_commands.Get, pamap2_commands.Check, pamap2_commands.Sample),
}
