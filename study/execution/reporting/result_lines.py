"""Writer of Ray Tune's `result.json`: one result per line.

Tune's own writer takes ten times as long, because it writes each fragment of JSON separately.
"""

import json
from typing import Any, final

from ray.air._internal.json import SafeFallbackEncoder
from ray.tune.logger import JsonLoggerCallback


@final
class ResultLines(JsonLoggerCallback):
    """Logger callback that writes each result with a single call."""

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:  # noqa: ANN401, ARG002 - Tune's
        """Write a result as one line of JSON."""
        if trial not in self._trial_files:
            self.log_trial_start(trial)
        file = self._trial_files[trial]
        file.write(json.dumps(result, cls=SafeFallbackEncoder) + "\n")
        file.flush()
