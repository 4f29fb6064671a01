"""A board that is not there, for a process that is still to be started."""

from pathlib import Path

from tests.fake_nvml import Boards, build


def emulated_environment(folder: Path) -> dict[str, str]:
    """Variables for a process that sees an emulated board; its library is compiled into `folder`."""
    return Boards(boards=1).environment(build(folder))
