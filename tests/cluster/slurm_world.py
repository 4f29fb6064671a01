"""Environment of the jobs of slurm_lab.sh, as lines for a shell: emulated boards and a gate."""

import os
import shlex
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # run as a file

from tests.end_to_end.held import Gate
from tests.fake_nvml import Boards, build

HELD_AFTER = 2


def main(lab: Path) -> None:
    """Build the boards' library in `lab`, hold trainings after two epochs, and print the exports."""
    gate = Gate(lab / "gate")
    gate.hold(after=HELD_AFTER)
    boards = Boards(boards=2, low_w=240.0).environment(build(lab / "lib"))
    for name, value in {**boards, **gate.environment}.items():
        if os.environ.get(name) != value:
            sys.stdout.write(f"export {name}={shlex.quote(value)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
