"""The options of `python -m study.search recurring`: those of a search that make sense for a job."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from study.options import tyro_arg
from study.search.options import SearchOptions
from study.search.settings import refuse


@dataclass(frozen=True, kw_only=True)
class RecurringOptions(SearchOptions):
    """Options of a job that is trained again and again.

    Attributes:
        name: Name of the job: its study's folder is the memory. The first command makes it, each
            later one goes on with it.
        runs: Runs to train now, each until it has reached the target.
        target: Value of the objective that each run is trained until it reaches, for example a
            validation accuracy of 0.9; it must be given.
        start: The setup that the first run takes, for example batch_size=256,learning_rate=0.01;
            left out: the middle of the space.
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
        """Refuse what cannot be run.

        Raises:
            OptionError: The first option whose value is not allowed.
        """
        super().__post_init__()
        if self.runs < 1:
            refuse("--runs", self.runs, "a number of runs from 1")
        if self.name is None:
            refuse("--name", "missing", "the job's name, under which the study keeps its memory")

    @property
    def recurring_runs(self) -> int:
        """See `runs`."""
        return self.runs
