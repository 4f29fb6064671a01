"""Options of `python -m study.search recurring`: those of a search that make sense for a recurring job."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from study.errors import refuse
from study.options import tyro_arg
from study.search.options import SearchOptions


@dataclass(frozen=True, kw_only=True)
class RecurringOptions(SearchOptions):
    """Options of a job that is trained again and again.

    Attributes:
        name: Name of the job; the study's folder of that name is its memory. The first command creates
            it, later ones continue it.
        runs: Number of runs to train now, each until it reaches the target.
        target: Value of the objective that each run is trained until it reaches, for example a
            validation accuracy of 0.9; required.
        start: The setup that the first run takes, for example batch_size=256,learning_rate=0.01; if
            omitted, the middle of the space.
    """

    runs: Annotated[int, tyro_arg("N")] = 1
    goal: Annotated[
        Literal["energy-to-target", "accuracy-energy", "accuracy"], tyro.conf.Suppress
    ] = "energy-to-target"
    repeats: Annotated[int, tyro.conf.Suppress] = 1
    sampler: Annotated[Literal["auto"], tyro.conf.Suppress] = "auto"
    sure: Annotated[float | None, tyro.conf.Suppress] = None
    confirm: Annotated[int, tyro.conf.Suppress] = 0
    trials: Annotated[int | None, tyro.conf.Suppress] = None
    halving: Annotated[Literal["auto", "none", "energy", "epochs"], tyro.conf.Suppress] = "auto"
    first_rung_wh: Annotated[float | None, tyro.conf.Suppress] = None
    no_cap: Annotated[bool, tyro.conf.Suppress] = False
    resume: Annotated[bool, tyro.conf.Suppress] = False
    from_results: Annotated[tuple[Path, ...], tyro.conf.Suppress] = ()
    from_similar: Annotated[bool, tyro.conf.Suppress] = False

    def __post_init__(self) -> None:
        """Validate all options.

        Raises:
            OptionError: An option has a value that is not allowed; the first one found is named.
        """
        super().__post_init__()
        if self.runs < 1:
            refuse(f"--runs is {self.runs}", "a number of runs from 1")
        if self.name is None:
            refuse("--name is missing", "the job's name, under which the study keeps its memory")

    @property
    def recurring_runs(self) -> int:
        """Number of runs to train, as in `runs`."""
        return self.runs
