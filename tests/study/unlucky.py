"""A scenario whose data cannot be read."""

from pathlib import Path

from study.scenario import Data
from tests.study.tiny import Tiny


class Raising(Tiny):
    """A scenario whose `load` has a bug."""

    def load(self, data_dir: Path | None, *, seed: int) -> Data:
        """Raise an error."""
        del data_dir
        message = f"no data with seed {seed}"
        raise ZeroDivisionError(message)
