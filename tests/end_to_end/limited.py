"""A scenario on an emulated board: the lower its power limit, the longer a step takes."""

import os
import time
from typing import final

from torch import Tensor

from tests.end_to_end.scenarios import Sleepy
from tests.fake_nvml import UUIDS, Boards

STEP_S = 0.05
BOARDS = Boards(boards=1, low_w=100.0, high_w=380.0, shape="constant")
"""A board that is busy all the time; what a step takes of it is least under 150 W."""


@final
class Limited(Sleepy):
    """Rests for as long as the board's law has it."""

    name = "limited"

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """A step, which is trained or validated."""
        boards = Boards(
            low_w=BOARDS.low_w, high_w=BOARDS.high_w, limits=os.environ["FAKE_NVML_LIMITS"]
        )
        board = int(os.environ.get("CUDA_VISIBLE_DEVICES", "0"))
        assert UUIDS[board]
        time.sleep(STEP_S * boards.slowdown(board, boards.limit_at_w(board)))
        return super().loss(outputs, targets)
