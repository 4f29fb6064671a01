"""Lines of a trial's `result.json`."""

import json
from pathlib import Path
from typing import Any

from study.execution.reporting.result_lines import ResultLines


class Trial:
    """Stand-in for Tune's trial, as far as the logger reads it."""

    def __init__(self, folder: Path) -> None:
        """Use a folder that exists."""
        self.local_path = str(folder)
        self.config = {"trial_id": "a"}


def test_each_row_is_a_line(tmp_path: Path) -> None:
    """A reader of a study that was killed relies on complete lines."""
    trial: Any = Trial(tmp_path)
    lines = ResultLines()  # type: ignore[no-untyped-call]
    lines._trial_files[trial] = (tmp_path / "result.json").open("at")  # noqa: SLF001 - as Tune opens it

    for step in (1, 2):
        lines.log_trial_result(1, trial, {"training_iteration": step, "stage": "a"})
    lines.log_trial_end(trial)

    found = [json.loads(line) for line in (tmp_path / "result.json").read_text().splitlines()]
    assert [each["training_iteration"] for each in found] == [1, 2]
