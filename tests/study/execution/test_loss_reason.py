"""Short reasons why a trial was lost, from Ray's error text and what the tracker knows."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from study.execution.loss_reason import LOW_MEMORY, NODE_LOST, TERMINATED, errors_of, why_lost

SILENT = (
    "Failure # 1 (occurred at 2026-11-26_17-00-00)\nThe actor died unexpectedly before finishing this "
    "task.\nWorker exit type: SYSTEM_ERROR Worker exit detail: Worker unexpectedly exits with a "
    "connection error code 2. End of file. Some common causes include: (1) the process was killed by the "
    "OOM killer due to high memory usage, (2) ray stop --force was called."
)
STATUS = "Worker exit detail: Worker exits unexpectedly. Worker exits with an exit code 4."
TERM = f"{STATUS} The process receives a SIGTERM."
NODE = (
    "The actor died because its node has died. Node Id: 1f\n\tthe actor's node was terminated "
    "expectedly: received SIGTERM"
)
MEMORY = "Task was killed due to the node running low on memory.\nMemory on the node was 15 GB."


@pytest.mark.parametrize(
    ("error_text", "told_by_tracker", "words"),
    [
        (SILENT, "its process called os._exit(3)", "its process called os._exit(3)"),
        (SILENT, None, "without an error message"),
        (STATUS, None, "its process ended with status 4"),
        (TERM, "its process ended with status 1", TERMINATED),
        (NODE, None, NODE_LOST),
        (MEMORY, "its process was ended by SIGKILL", LOW_MEMORY),
        ("", "its process was ended by SIGKILL", "its process was ended by SIGKILL"),
        ("", None, "for an unknown reason"),
        (f"{NODE}\nFailure # 2 (occurred at now)\n{STATUS}", None, "status 4"),
        ("Traceback ...\nImportError: no module named x\n", None, "ImportError: no module named x"),
    ],
)
def test_each_loss_has_a_short_reason(
    error_text: str, told_by_tracker: str | None, words: str
) -> None:
    """Ray's reliable phrases come first, then the tracker's reason, then other text of Ray's.

    Of several failures, the last one counts.
    """
    assert words in why_lost(error_text, told_by_tracker)


def test_the_error_file_of_tune_is_read_on_this_machine(tmp_path: Path) -> None:
    """It reaches the storage only later; a trial without such a file has no error text."""
    error = tmp_path / "error.txt"
    error.write_text(SILENT)

    assert errors_of(SimpleNamespace(error_file=str(error))) == SILENT
    assert errors_of(SimpleNamespace(error_file=str(tmp_path / "none"))) == ""
    assert errors_of(SimpleNamespace()) == ""
