"""Environment for starting a process that sees an emulated board."""

from pathlib import Path

from tests.fake_nvml import Boards, build


def emulated_environment(folder: Path) -> dict[str, str]:
    """Return environment variables with which a process sees an emulated board.

    The emulated NVML library is compiled into `folder`.
    """
    return Boards(boards=1).environment(build(folder))
