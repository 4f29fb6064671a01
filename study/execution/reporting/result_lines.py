"""A trial's `result.json`: what Ray Tune has of it, a result a line.

Tune's own writer takes ten times as long, because it writes each piece of JSON by itself.
"""

import json
from typing import Any, final

from ray.air._internal.json import SafeFallbackEncoder
from ray.tune.logger import JsonLoggerCallback


@final
class ResultLines(JsonLoggerCallback):
    """Writes a result as one line."""

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:  # noqa: ANN401, ARG002 - Tune's
        """Write it."""
        if trial not in self._trial_files:
            self.log_trial_start(trial)
        file = self._trial_files[trial]
        file.write(json.dumps(result, cls=SafeFallbackEncoder) + "\n")
        file.flush()
