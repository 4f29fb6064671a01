"""Names of checkpoint files, by trial and attempt. Standard library only.

Each attempt has its own file, so that a process that was wrongly taken for dead cannot overwrite the
checkpoint of a later attempt. The names also tell which attempts there were, even if their rows are lost.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

CHECKPOINTS_FOLDER = "checkpoints"

_NAME = re.compile(r"(?P<trial_id>.+)-attempt(?P<attempt>[0-9]+)\.pt")


def checkpoint_name(trial_id: str, attempt: int) -> str:
    """Return the name of an attempt's file within the folder of checkpoints."""
    return f"{trial_id}-attempt{attempt}.pt"


def trial_of(name: str) -> str | None:
    """Return the trial that a file name belongs to; None if it is not a checkpoint's name."""
    match = _NAME.fullmatch(name)
    return match and match["trial_id"]


def attempts_with_checkpoint(names: Iterable[str]) -> Mapping[str, list[int]]:
    """Return the attempts of each trial that have a file, in ascending order."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for name in names:
        if match := _NAME.fullmatch(name):
            found[match["trial_id"]].append(int(match["attempt"]))
    return {trial_id: sorted(attempts) for trial_id, attempts in found.items()}
