"""A scenario for an emulated board: the lower the board's power limit, the longer a step takes."""

import os
import time
from typing import final

from torch import Tensor

from tests.end_to_end.scenarios import Sleepy
from tests.fake_nvml import UUIDS, Boards

STEP_S = 0.05
BOARDS = Boards(boards=1, low_w=100.0, high_w=380.0, shape="constant")
"""A board that is always busy; of the tests' limits, a step uses least energy under 150 W."""


@final
class Limited(Sleepy):
    """A scenario whose steps take as long as the emulated board's slowdown under its limit says."""

    name = "limited"

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Sleep for the duration of one step, in training and validation alike."""
        boards = Boards(
            low_w=BOARDS.low_w, high_w=BOARDS.high_w, limits=os.environ["FAKE_NVML_LIMITS"]
        )
        board = int(os.environ.get("CUDA_VISIBLE_DEVICES", "0"))
        assert UUIDS[board]
        time.sleep(STEP_S * boards.slowdown(board, boards.limit_at_w(board)))
        return super().loss(outputs, targets)
