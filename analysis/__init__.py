"""Read the results of studies, compare their setups, and recommend one with its uncertainty.

    >>> import analysis
    >>> study = analysis.load("tests/analysis/fixture/regime")  # yours: "results/watch"
    >>> len(study.epochs)
    13
    >>> findings = analysis.analyse(study, tolerance=0.01)
    >>> findings.recommendation.setup
    2
    >>> ranking = analysis.data_frames(findings)["ranking"]
    >>> ranking[["place", "setup", "energy_wh"]].head(1)
       place  setup  energy_wh
    0      1      2        1.1

The exported names are imported on first use; neither Ray nor torch is ever imported.
"""

import importlib
from typing import TYPE_CHECKING, Any

from trackers.moved import answer_old_imports
from trackers.process_end import refuse_windows

if TYPE_CHECKING:
    from analysis.errors import AnalysisError
    from analysis.findings import Findings, analyse
    from analysis.page.report import write_report
    from analysis.read.load import Study, find_studies, load
    from analysis.tables.frames import data_frames

__all__ = [
    "AnalysisError",
    "Findings",
    "Study",
    "analyse",
    "data_frames",
    "find_studies",
    "load",
    "write_report",
]

_MODULES = {
    "AnalysisError": "analysis.errors",
    "Findings": "analysis.findings",
    "Study": "analysis.read.load",
    "analyse": "analysis.findings",
    "data_frames": "analysis.tables.frames",
    "find_studies": "analysis.read.load",
    "load": "analysis.read.load",
    "write_report": "analysis.page.report",
}


refuse_windows()  # before any import that needs modules which Python lacks on Windows


def __getattr__(name: str) -> Any:  # noqa: ANN401 - an export of any kind
    if name not in _MODULES:
        message = f"module 'analysis' has no attribute {name!r}; it has {', '.join(__all__)}"
        raise AttributeError(message)
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return list(__all__)


_MOVED = {
    "analysis.energy": "analysis.energy.totals",
    "analysis.load": "analysis.load(path), a function",
}
"""New locations of what the modules of version 0.1 held, by old module; docs/upgrading.md lists them too."""

answer_old_imports(_MOVED)
