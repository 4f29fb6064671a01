"""Studies of training energy with Ray Tune: the public API for programs and notebooks.

    from study import Arrays, Data, run_study

Exports are imported lazily, on first use, so that code which only reads records loads neither Ray
nor torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

from trackers.moved import answer_old_imports
from trackers.process_end import refuse_windows

if TYPE_CHECKING:
    from study.errors import StudyError
    from study.instrument.budget import EnergyBudget
    from study.instrument.ledger import EnergyLedger
    from study.instrument.measured import measured
    from study.instrument.workers import measured_loop
    from study.record.objective import Objective
    from study.scenario import (
        Arrays,
        Configurable,
        Data,
        Multitask,
        Pretrainable,
        Scenario,
        Searchable,
    )
    from study.scenario_lookup import load_scenario
    from study.studies import StudyResult, run_study

__all__ = [
    "Arrays",
    "Configurable",
    "Data",
    "EnergyBudget",
    "EnergyLedger",
    "Multitask",
    "Objective",
    "Pretrainable",
    "Scenario",
    "Searchable",
    "StudyError",
    "StudyResult",
    "load_scenario",
    "measured",
    "measured_loop",
    "run_study",
]

_MODULES = {
    "Arrays": "study.scenario",
    "Configurable": "study.scenario",
    "Data": "study.scenario",
    "EnergyBudget": "study.instrument.budget",
    "EnergyLedger": "study.instrument.ledger",
    "Multitask": "study.scenario",
    "Objective": "study.record.objective",
    "Pretrainable": "study.scenario",
    "Scenario": "study.scenario",
    "Searchable": "study.scenario",
    "StudyError": "study.errors",
    "StudyResult": "study.studies",
    "load_scenario": "study.scenario_lookup",
    "measured": "study.instrument.measured",
    "measured_loop": "study.instrument.workers",
    "run_study": "study.studies",
}
"""Defining module of each export; a new export needs a line here, in `__all__` and in the imports above."""


refuse_windows()  # first: later imports need parts of Python that Windows lacks


def __getattr__(name: str) -> Any:  # noqa: ANN401 - an export of any kind
    if name not in _MODULES:
        message = f"module 'study' has no attribute {name!r}; it has {', '.join(__all__)}"
        raise AttributeError(message)
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return list(__all__)


_MOVED = {
    "study.bookings": "study.record.bookings",
    "study.manifest": "study.record.manifest",
    "study.objectives": "study.record.search.goal",
    "study.records": "study.record.records",
    "study.results": "study.store.folder",
    "study.scenarios": "study.data.pamap2.scenario and study.data.celeba.scenario",
    "study.setups": "study.store.setups",
    "study.stages": "study.training.stages",
    "study.training": "study.training.loop",
}
"""Present location of the contents of each module of version 0.1; docs/upgrading.md lists them too."""

answer_old_imports(_MOVED)
