"""Names of the checkpoints of trials: by trial and attempt. Standard library only.

Each attempt has a file of its own, so that a process that is thought dead cannot write over what a
later attempt has left; and the names tell which attempts there were, though their rows may be lost.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

CHECKPOINTS_FOLDER = "checkpoints"

_NAME = re.compile(r"(?P<trial_id>.+)-attempt(?P<attempt>[0-9]+)\.pt")


def checkpoint_name(trial_id: str, attempt: int) -> str:
    """Name of an attempt's file within the folder of checkpoints."""
    return f"{trial_id}-attempt{attempt}.pt"


def trial_of(name: str) -> str | None:
    """The trial of a file of that name; None where the name is another's."""
    match = _NAME.fullmatch(name)
    return match and match["trial_id"]


def attempts_with_checkpoint(names: Iterable[str]) -> Mapping[str, list[int]]:
    """Attempts of each trial of which a file is there, in ascending order."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for name in names:
        if match := _NAME.fullmatch(name):
            found[match["trial_id"]].append(int(match["attempt"]))
    return {trial_id: sorted(attempts) for trial_id, attempts in found.items()}
