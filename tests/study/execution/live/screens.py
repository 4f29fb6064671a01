"""A progress display, and access to what it has shown."""

import io
import re
from collections.abc import Collection, Iterable
from dataclasses import replace

from rich.console import Console

from study.execution.live.outlook import Outlook
from study.execution.live.progress import ProgressDisplay
from study.record.objective import ACCURACY, Objective
from study.record.records import EpochRecord, TrialRecord
from study.record.vocabulary import Paradigm
from study.store.setups import grid, trial_plans
from study.store.trial_record import trial_record
from tests.study.rows import STAGE, plan

SETUPS = grid((64, 4096), (0.1, 0.0001))


class Screen:
    """A progress display and access to what it has shown."""

    def __init__(
        self,
        *,
        terminal: bool,
        width: int = 100,
        trials: int = 8,
        objective: Objective = ACCURACY,
        outlook: bool = False,
        may_grow: bool = False,
        budget_j: float | None = None,
        set_up_j: float | None = 0.5,
        estimated: Collection[str] = (),
    ) -> None:
        """Set up a display on a terminal of `width` columns, or on a file; with a forecast if `outlook`.

        The set-up of each trial uses `set_up_j`; None if it was not measured.
        """
        self.rows: list[EpochRecord] = []
        self.forecast = Outlook(
            plans=lambda: trial_plans(SETUPS, (0, 1), shuffle_seed=0),
            stages=lambda _: (STAGE,),
            epochs_of=lambda trial_id: [row for row in self.rows if row.trial_id == trial_id],
            trial_of=lambda trial_id: overhead_of(self.rows, trial_id, set_up_j),
            objective=objective,
            max_epochs=10,
            patience=1,
            may_grow=lambda: may_grow,
            budget_j=budget_j,
            now_s=lambda: 0.0,
            begin=lambda work: work(),
        )
        self.file = io.StringIO()
        self.console = Console(
            file=self.file,
            force_terminal=terminal,
            color_system=None,
            width=width,
            height=40,
            _environ={"TERM": "xterm"},
        )
        self.progress = ProgressDisplay(
            self.console,
            SETUPS,
            repeats=2,
            trials=trials,
            slots=2,
            objective=objective,
            outlook=self.forecast if outlook else None,
            estimated=estimated,
        )

    def note(self, record: EpochRecord) -> None:
        """Record and show an epoch."""
        self.rows.append(record)
        self.progress.epoch(record)

    def last_frame(self) -> list[str]:
        """Return the lines of the last frame that was drawn."""
        lines = self.lines()
        starts = [place for place, line in enumerate(lines) if " trials, " in line]
        return lines[starts[-1] :]

    def lines(self) -> list[str]:
        """Return the printed lines, without control codes."""
        text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.file.getvalue())
        return [line.rstrip() for line in re.split(r"[\r\n]+", text) if line.strip()]

    def last_table(self) -> list[list[str]]:
        """Return the cells of the last frame's rows."""
        rows = [re.split(r"\s+", line.strip(), maxsplit=8) for line in self.lines()]
        return [row for row in rows if re.fullmatch(r"[1-4]", row[0])][-len(SETUPS) :]

    def summary(self) -> str:
        """Return the first line of the last frame."""
        return next(line for line in reversed(self.lines()) if " trials, " in line)


def overhead_of(
    rows: Iterable[EpochRecord], trial_id: str, set_up_j: float | None, *, lost_j: float = 0.0
) -> TrialRecord:
    """Row of a trial that used energy outside its epochs only in its set-up and lost attempts."""
    own = [row for row in rows if row.trial_id == trial_id]
    record = trial_record(
        plan(own[0].setup, own[0].seed),
        epochs=own,
        windows=[],
        error=None,
        study="s",
        paradigm=Paradigm.REGIME,
        scenario="s",
        objective=ACCURACY,
        stages=tuple(dict.fromkeys(row.stage for row in own)),
        target=None,
    )
    between_j = None if set_up_j is None else 0.0
    return replace(
        record, setup_energy_j=set_up_j, between_energy_j=between_j, wasted_energy_j=lost_j
    )
