"""Progress display of a running study: a live table of setups, or one line per trial.

Terminals show the table; a file or a pipe gets one line for each trial that ends. An estimated energy is
labelled wherever it is shown. If the energy of some epochs is missing, the sum of the others is shown as a
lower bound (`>12.3`).
"""

import statistics
import threading
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import final

import numpy as np
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from study.execution.live.outlook import Outlook
from study.execution.live.table import (
    NARROW,
    Frame,
    SetupState,
    TrialState,
    bare_score,
    live_table,
)
from study.execution.live.total_text import ends, total_text
from study.execution.live.unscored import UnscoredWatch
from study.forecast.study_forecast import cut
from study.inference.repeats import Floats
from study.record.files import unit_of
from study.record.manifest import SetupFacts
from study.record.objective import ACCURACY, Objective
from study.record.records import EpochRecord, TrialRecord
from study.record.vocabulary import CUTS_EPOCH, FAILURES, EnergyMethod, StopReason, setup_words
from trackers.clock import Clock, MonotonicClock

_COMPONENTS = {"gpu": "GPU", "cpu": "CPU", "memory": "memory", "node": "node"}
"""Components and their names in the display; the node contains the others."""

_UNHAPPY = FAILURES | {None}
"""Stop reasons that the table points out; None is for a trial whose process was lost."""


@final
class ProgressDisplay:
    """Progress display of one study."""

    def __init__(
        self,
        console: Console,
        setups: Sequence[SetupFacts],
        *,
        repeats: int,
        trials: int,
        slots: int,
        objective: Objective = ACCURACY,
        in_stages: bool = False,
        outlook: Outlook | None = None,
        first_epoch_j: float | None = None,
        estimated: Collection[str] = (),
        clock: Clock | None = None,
    ) -> None:
        """Prepare the display; `start` shows it.

        Args:
            console: Console to print to.
            setups: Setups of the study; a search may add to them while it runs.
            repeats: Number of repeats of each setup, at least.
            trials: Number of trials; 0 if it is not known, as in a search.
            slots: Number of trials that run at the same time.
            objective: Objective whose best values are shown.
            in_stages: Whether trials have several stages, which are then named.
            outlook: Forecast of the study's energy; None if there can be none.
            first_epoch_j: Energy of the first epoch in an earlier command, in joules, which decides the
                unit; None for a new study.
            estimated: Components whose energy is an estimate.
            clock: Clock for durations; None for the monotonic clock.
        """
        self._in_stages = in_stages
        self._outlook = outlook
        self._unit, self._has_unit = unit_of(first_epoch_j), first_epoch_j is not None
        self._overheads_s: list[float] = []
        self._objective = objective
        self._unscored = UnscoredWatch(objective, is_settled=self._has_unit)
        self._clock = clock or MonotonicClock()
        self._console = console
        self._setups = setups
        self._repeats = repeats
        self._trials = trials
        self._slots = slots
        self._states: defaultdict[int, SetupState] = defaultdict(SetupState)
        self._seen: set[tuple[str, int, str, int]] = set()
        self._times_s: list[float] = []
        self._start_s = self._clock.now_s()
        self._estimated = False
        self._estimated_components = estimated
        self._components_j: defaultdict[str, float] = defaultdict(float)
        # Rich draws the live table in another thread.
        self._lock = threading.Lock()
        self._live = Live(
            console=console, get_renderable=self._render, refresh_per_second=2, transient=True
        )

    def start(self) -> None:
        """Start the live table, if the console is an interactive terminal."""
        if self._console.is_interactive:
            self._live.start()

    def stop(self) -> None:
        """Remove the live table."""
        self._live.stop()

    def begin(self, trial_id: str, setup: int) -> None:
        """Show that a trial has begun."""
        with self._lock:
            state = self._states[setup]
            state.running[trial_id] = TrialState(begun_s=self._clock.now_s())
            begun = sum(s.ended + len(s.running) for s in self._states.values())
            if self._outlook is not None:
                self._outlook.begin(trial_id, in_new_process=begun <= self._slots)
            self._trials = self._trials and max(self._trials, begun)  # further trials may be added

    def epoch(self, record: EpochRecord) -> None:
        """Show an epoch that a trial has reported."""
        if self._outlook is not None:
            self._outlook.renew()
        with self._lock:
            state = self._states[record.setup]
            trial = state.running.setdefault(record.trial_id, TrialState(begun_s=self._start_s))
            trial.last = record
            place = (record.trial_id, record.attempt, record.stage, record.epoch)
            if place in self._seen:
                return  # a trial that continues from a checkpoint reports its earlier rows again
            self._seen.add(place)
            self._estimated |= record.energy_method is EnergyMethod.ESTIMATED
            for name in _COMPONENTS:
                energy_j = getattr(record, f"{name}_energy_j")
                if energy_j is not None:
                    self._components_j[name] += energy_j
            trial.epochs += record.stop_reason not in CUTS_EPOCH
            state.epochs += record.stop_reason not in CUTS_EPOCH
            if record.val_score is not None:
                state.best = self._objective.best((state.best, record.val_score))
                trial.best = self._objective.best((trial.best, record.val_score))
            if record.epoch_energy_j is None:
                state.missing += 1
            else:
                if not self._has_unit:
                    self._unit, self._has_unit = unit_of(record.epoch_energy_j), True
                state.measured += 1
                state.energy_j += record.epoch_energy_j
            unscored = self._unscored.after(record)
        if unscored is not None:
            self.say(unscored)

    def end(self, trial_id: str, setup: int, whole: TrialRecord | None = None) -> None:
        """Show that a trial has ended.

        Args:
            trial_id: Identifier of the trial.
            setup: Number of its setup.
            whole: Its row in `trials.parquet`, which includes earlier attempts that it continued; None
                if it has none.
        """
        if self._outlook is not None:
            self._outlook.renew()
        with self._lock:
            state = self._states[setup]
            trial = state.running.pop(trial_id, TrialState(begun_s=self._start_s))
            self._times_s.append(self._clock.now_s() - trial.begun_s)
            if whole is not None:
                self._overheads_s.append(max(0.0, self._times_s[-1] - whole.time_s))
            state.ended += 1
            reason = trial.last.stop_reason if trial.last else None
            if reason in _UNHAPPY:
                state.unhappy.add(_words(reason))
            line = self._line(trial_id, trial, whole)
        if not self._console.is_interactive:
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def lost(self, trial_id: str, setup: int, *, why: str) -> None:
        """Show that a trial's process was lost, and that the trial will be run again."""
        with self._lock:
            self._states[setup].running.pop(trial_id, None)
        self.say(f"lost: {trial_id}: {why}; it is run again after the others")

    def say(self, text: str) -> None:
        """Print a sentence, above the live table if there is one."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def left_s(self) -> float | None:
        """Return the estimated seconds until the last trial ends; None before the first trial has ended."""
        forecast = self._left_forecast()
        return self._left_by_mean_s() if forecast is None else float(np.median(forecast))

    def _left_forecast(self) -> Floats | None:
        """Return draws of the seconds left from the forecast; None if the forecast does not cover them."""
        whole = None if self._outlook is None else self._outlook.whole
        if whole is None or not np.isfinite(whole.times_s).all():
            return None
        overhead_s = statistics.fmean(self._overheads_s) if self._overheads_s else 0.0
        return whole.left_s(slots=self._slots, overhead_s=overhead_s)

    def _left_by_mean_s(self) -> float | None:
        """Return the seconds left if each trial takes the mean time so far; None if that is not known."""
        if not (self._times_s and self._trials):
            return None
        now_s = self._clock.now_s()
        mean_s = sum(self._times_s) / len(self._times_s)
        running = [now_s - t.begun_s for s in self._states.values() for t in s.running.values()]
        waiting = max(0, self._trials - len(self._times_s) - len(running))
        left_s = waiting * mean_s + sum(max(0.0, mean_s - spent_s) for spent_s in running)
        return left_s / max(1, min(self._slots, waiting + len(running)))

    def _line(self, trial_id: str, trial: TrialState, whole: TrialRecord | None) -> str:
        width = len(str(self._trials))
        of = f"/{self._planned()}" if self._trials else ""
        head = f"[{len(self._times_s):{width}}{of}] {trial_id}"
        tail = f"  {ahead}" if (ahead := self._ahead()) else ""
        record = trial.last
        if record is None:
            return f"{head}  failed before its first epoch ended{tail}"
        score, epochs, energy_j = trial.best, trial.epochs, record.energy_j
        if whole is not None:
            score, epochs, energy_j = whole.best_val_score, whole.epochs, whole.energy_j
        best = "none" if score is None else self._score(score)
        energy = "energy not known"
        if energy_j is not None:
            energy = f"{self._unit.text(energy_j)}{self._label()}"
        return (
            f"{head}  {setup_words(record.batch_size, record.learning_rate, record.parameters)}"
            f"  best {self._objective.name} {best}  {epochs} epoch{'' if epochs == 1 else 's'}"
            f"  {energy}  {_words(record.stop_reason)}{tail}"
        )

    def _score(self, score: float) -> str:
        percent = " %" if self._objective.is_share else ""
        return f"{bare_score(score, self._objective)}{percent}"

    def _ahead(self) -> str:
        """Return text on the time left and the total energy; empty if neither is known."""
        if self._trials and len(self._times_s) >= self._trials:
            return ""  # all trials have ended; the latest forecast may be older
        parts = []
        left_s = self.left_s()
        if left_s:
            parts.append(f"{self._about()} {_duration(left_s)} left")
        total = total_text(self._outlook, self._unit, label=self._label(), used_j=self._used_j())
        if (left_s or not self._trials) and total is not None:
            parts.append(total)
        return ", ".join(parts)

    def _used_j(self) -> float:
        return sum(state.energy_j for state in self._states.values())

    def _about(self) -> str:
        """Return the word before the time left, which depends on whether the study may grow or be cut short."""
        if self._outlook is None or self._outlook.may_grow is (self._outlook.budget_j is not None):
            return "about"
        return "at least" if self._outlook.may_grow else "at most"

    def _planned(self) -> str:
        """Return the number of trials as text, with a plus if more may follow."""
        grows = self._outlook is not None and self._outlook.may_grow
        return f"{self._trials}{'+' if grows else ''}"

    def _label(self) -> str:
        return " estimated" if self._estimated else ""

    def _render(self) -> Group:
        with self._lock:
            # The summary comes first, because rich cuts off at the bottom what is too long.
            width = self._console.width
            return Group(self._summary(), live_table(self._frame(), width=width))

    def _summary(self) -> Table | Text:
        states = self._states.values()
        energy = "energy not known yet"
        if any(state.measured for state in states):
            more = "more than " if any(state.missing for state in states) else ""
            energy = f"{more}{self._unit.text(self._used_j())}{self._label()}{self._by_component()}"
        ahead = self._ahead()
        if not ahead and self.left_s() is None:
            ahead = "time left not known yet"
        gone = _duration(self._clock.now_s() - self._start_s)
        of = f" of {self._planned()}" if self._trials else ""
        said = Text.assemble(
            (f"{len(self._times_s)}{of} trials", "bold"),
            f", {gone} gone, ",
            (energy, "bold"),
            *([f", {ahead}"] if ahead else []),
        )
        if self._console.width < NARROW:
            return said
        bar = ProgressBar(total=max(1, self._trials), completed=len(self._times_s), width=8)
        line = Table.grid(padding=(0, 1))
        line.add_row(bar, said)
        return line

    def _by_component(self) -> str:
        """Return the energy of each component as text; empty if only one is measured."""
        if len(self._components_j) < 2:  # noqa: PLR2004 - a single one is what ranks
            return ""
        parts = [
            f"{words} {self._unit.number(self._components_j[name])}"
            f"{' estimated' if name in self._estimated_components else ''}"
            for name, words in _COMPONENTS.items()
            if name in self._components_j
        ]
        return f" ({', '.join(parts)})"

    def _frame(self) -> Frame:
        return Frame(
            setups=self._setups,
            states=self._states,
            repeats=self._repeats,
            objective=self._objective,
            unit=self._unit,
            label=self._label(),
            in_stages=self._in_stages,
            coming=self._trial_total,
        )

    def _trial_total(self, trial_id: str) -> str | None:
        """Return the forecast of a trial's energy as text: `3.10 to 6.05 mWh`; None if there is none."""
        found = None if self._outlook is None else self._outlook.latest
        draws = None if found is None else found.of_trial(trial_id)
        if draws is None:
            return None
        return f"{ends(cut(draws), self._unit)} {self._unit.name}"


def _words(reason: StopReason | None) -> str:
    return "failed" if reason is None else reason.replace("_", " ")


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{max(1, seconds)} s"
