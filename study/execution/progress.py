"""The display while a study runs: a live table of setups, or a line for each trial.

The table is for terminals; into a file or a pipe goes one line for each trial that ends. An energy
that is an estimate says so at every place. Where epochs have no energy, what is known of the others
is shown as a lower bound (`>12.3`).
"""

import json
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from study.record.files import J_PER_MWH, J_PER_WH
from study.record.manifest import SetupFacts
from study.record.objective import ACCURACY, Objective
from study.record.records import EpochRecord, TrialRecord
from study.record.vocabulary import CUTS_EPOCH, FAILURES, EnergyMethod, Paradigm, StopReason
from trackers.clock import Clock, MonotonicClock

HEAD_RULE = box.Box("    \n    \n ─  \n    \n    \n    \n    \n    \n")
"""No lines but one under the header, and two blanks between columns."""

_COMPONENTS = {"gpu": "GPU", "cpu": "CPU", "memory": "memory", "node": "node"}
"""Components and how people see them; the node contains the others."""

_UNHAPPY = FAILURES | {None}
"""Ends that the table tells; None is that of a trial whose process was lost."""


@dataclass(slots=True)
class _TrialState:
    """A trial that runs."""

    begun_s: float
    last: EpochRecord | None = None
    epochs: int = 0
    best: float | None = None


@dataclass(slots=True)
class _SetupState:
    """State of one setup so far; `measured` and `missing` count epochs by their energy."""

    running: dict[str, _TrialState] = field(default_factory=dict)
    ended: int = 0
    unhappy: set[str] = field(default_factory=set)
    best: float | None = None
    energy_j: float = 0.0
    epochs: int = 0
    measured: int = 0
    missing: int = 0


@final
class ProgressDisplay:
    """The display of one study."""

    def __init__(
        self,
        console: Console,
        setups: Sequence[SetupFacts],
        *,
        repeats: int,
        trials: int,
        slots: int,
        objective: Objective = ACCURACY,
        clock: Clock | None = None,
    ) -> None:
        """Show `trials` trials of `setups`, of which `slots` run at the same time.

        A search may add to `setups` as it goes, and then has 0 `trials`: nobody knows how many.
        Bests are those of the `objective`.
        """
        self._objective = objective
        self._clock = clock or MonotonicClock()
        self._console = console
        self._setups = setups
        self._repeats = repeats
        self._trials = trials
        self._slots = slots
        self._states: defaultdict[int, _SetupState] = defaultdict(_SetupState)
        self._seen: set[tuple[str, int, str, int]] = set()
        self._times_s: list[float] = []
        self._start_s = self._clock.now_s()
        self._estimated = False
        self._components_j: defaultdict[str, float] = defaultdict(float)
        # The live table is drawn in a thread of its own.
        self._lock = threading.Lock()
        self._live = Live(
            console=console, get_renderable=self._render, refresh_per_second=2, transient=True
        )

    def start(self) -> None:
        """Begin to show; the live table only where there is a terminal that can redraw."""
        if self._console.is_interactive:
            self._live.start()

    def stop(self) -> None:
        """Take the live table away."""
        self._live.stop()

    def begin(self, trial_id: str, setup: int) -> None:
        """A trial has begun."""
        with self._lock:
            state = self._states[setup]
            state.running[trial_id] = _TrialState(begun_s=self._clock.now_s())
            begun = sum(s.ended + len(s.running) for s in self._states.values())
            self._trials = self._trials and max(self._trials, begun)  # the further ones

    def epoch(self, record: EpochRecord) -> None:
        """A trial has reported an epoch."""
        with self._lock:
            state = self._states[record.setup]
            trial = state.running.setdefault(record.trial_id, _TrialState(begun_s=self._start_s))
            trial.last = record
            place = (record.trial_id, record.attempt, record.stage, record.epoch)
            if place in self._seen:
                return  # a trial that goes on reports once more what it had reported
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
                state.measured += 1
                state.energy_j += record.epoch_energy_j

    def end(self, trial_id: str, setup: int, whole: TrialRecord | None = None) -> None:
        """Show that a trial has ended.

        Args:
            trial_id: The trial.
            setup: Its setup.
            whole: Its row in the table, which counts the attempts that it went on from; None where
                it has none.
        """
        with self._lock:
            state = self._states[setup]
            trial = state.running.pop(trial_id, _TrialState(begun_s=self._start_s))
            self._times_s.append(self._clock.now_s() - trial.begun_s)
            state.ended += 1
            reason = trial.last.stop_reason if trial.last else None
            if reason in _UNHAPPY:
                state.unhappy.add(_words(reason))
            line = self._line(trial_id, trial, whole)
        if not self._console.is_interactive:
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def lost(self, trial_id: str, setup: int, *, why: str) -> None:
        """A trial's process was lost, and the trial will be run again."""
        with self._lock:
            self._states[setup].running.pop(trial_id, None)
        self.say(f"lost: {trial_id}: {why}; it is run again after the others")

    def say(self, text: str) -> None:
        """Print a sentence; above the live table, where there is one."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def left_s(self) -> float | None:
        """Estimated seconds until the last trial ends; None before the first has."""
        if not self._times_s:
            return None
        now_s = self._clock.now_s()
        mean_s = sum(self._times_s) / len(self._times_s)
        running = [now_s - t.begun_s for s in self._states.values() for t in s.running.values()]
        waiting = max(0, self._trials - len(self._times_s) - len(running))
        left_s = waiting * mean_s + sum(max(0.0, mean_s - spent_s) for spent_s in running)
        return left_s / max(1, min(self._slots, waiting + len(running)))

    def _line(self, trial_id: str, trial: _TrialState, whole: TrialRecord | None) -> str:
        width = len(str(self._trials))
        of = f"/{self._trials}" if self._trials else ""
        head = f"[{len(self._times_s):{width}}{of}] {trial_id}"
        left_s = self.left_s()
        tail = f"  about {_duration(left_s)} left" if left_s else ""
        record = trial.last
        if record is None:
            return f"{head}  failed before its first epoch ended{tail}"
        score, epochs, energy_j = trial.best, trial.epochs, record.energy_j
        if whole is not None:
            score, epochs, energy_j = whole.best_val_score, whole.epochs, whole.energy_j
        best = "none" if score is None else self._score(score)
        energy = "energy not known"
        if energy_j is not None:
            energy = f"{energy_j / J_PER_MWH:.1f} mWh{self._label()}"
        return (
            f"{head}  batch size {record.batch_size}, learning rate {record.learning_rate:g}"
            f"{_further(record.parameters)}"
            f"  best {self._objective.name} {best}  {epochs} epoch{'' if epochs == 1 else 's'}"
            f"  {energy}  {_words(record.stop_reason)}{tail}"
        )

    def _score(self, score: float) -> str:
        return f"{score:.3f}" if self._objective.is_share else f"{score:#.4g}"

    def _label(self) -> str:
        return " estimated" if self._estimated else ""

    def _render(self) -> Group:
        with self._lock:
            # The summary stands above, because a terminal cuts off what is too long below.
            return Group(self._summary(), self._table())

    def _summary(self) -> Table:
        states = self._states.values()
        spent_j = sum(state.energy_j for state in states)
        energy = "energy not known yet"
        if any(state.measured for state in states):
            more = "more than " if any(state.missing for state in states) else ""
            energy = f"{more}{spent_j / J_PER_WH:.3f} Wh{self._label()}{self._by_component()}"
        left_s = self.left_s()
        left = "time left not known yet" if left_s is None else f"about {_duration(left_s)} left"
        gone = _duration(self._clock.now_s() - self._start_s)
        of = f" of {self._trials}" if self._trials else ""
        line = Table.grid(padding=(0, 1))
        line.add_row(
            ProgressBar(total=max(1, self._trials), completed=len(self._times_s), width=8),
            Text.assemble(
                (f"{len(self._times_s)}{of} trials", "bold"),
                f", {gone} gone, {left}, ",
                (energy, "bold"),
            ),
        )
        return line

    def _by_component(self) -> str:
        """Source of each component, where it is more than the one that ranks."""
        if len(self._components_j) < 2:  # noqa: PLR2004 - a single one is what ranks
            return ""
        parts = [
            f"{words} {self._components_j[name] / J_PER_WH:.3f}"
            for name, words in _COMPONENTS.items()
            if name in self._components_j
        ]
        return f" ({', '.join(parts)})"

    def _table(self) -> Table:
        table = Table(box=HEAD_RULE, show_edge=False, padding=0)
        for name in (
            "setup",
            "batch\nsize",
            "learning\nrate",
            "repeats\nended",
            "epochs\nso far",
            f"best\n{self._objective.name}",
            f"mWh per\nepoch\n{self._label().strip()}".rstrip(),
            f"mWh\nso far\n{self._label().strip()}".rstrip(),
        ):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("now", min_width=8)
        best = self._objective.best(state.best for state in self._states.values())
        for setup in tuple(self._setups):
            state = self._states[setup.setup]
            begun = bool(state.running or state.ended)
            row = [*self._row(setup, state, best), _now(state)]
            table.add_row(*row, style=None if begun else "dim")
        return table

    def _row(self, setup: SetupFacts, state: _SetupState, best: float | None) -> list[str | Text]:
        accuracy = Text("-" if state.best is None else self._score(state.best))
        if state.best is not None and state.best == best:
            accuracy.stylize("bold green")
        per_epoch = so_far = "not known" if state.missing else "-"
        if state.measured:
            if state.epochs:
                per_epoch = f"{state.energy_j / state.measured / J_PER_MWH:.2f}"
            so_far = f"{'>' if state.missing else ''}{state.energy_j / J_PER_MWH:.1f}"
        return [
            str(setup.setup),
            str(setup.batch_size),
            f"{setup.learning_rate:g}",
            f"{state.ended}/{max(self._repeats, state.ended + len(state.running))}",
            str(state.epochs or "-"),
            accuracy,
            per_epoch,
            so_far,
        ]


def _now(state: _SetupState) -> Text:
    running = [_place(trial.last) for trial in state.running.values()]
    parts = [Text(", ".join(running), style="cyan")] if running else []
    parts += [Text(word, style="bold red") for word in sorted(state.unhappy)]
    return Text(", ").join(parts)


def _place(last: EpochRecord | None) -> str:
    """Return how far a trial is: its epoch, and its stage where it has several."""
    if last is None:
        return "starting"
    if last.paradigm is Paradigm.REGIME:
        return f"epoch {last.epoch + 1}"
    if last.stop_reason is not None:
        return f"after {last.stage}"
    return f"{last.stage} {last.epoch + 1}"


def _words(reason: StopReason | None) -> str:
    return "failed" if reason is None else reason.replace("_", " ")


def _further(parameters: str | None) -> str:
    """Choices of a setup besides batch size and learning rate."""
    chosen = json.loads(parameters) if parameters else {}
    return "".join(f", {name.replace('_', ' ')} {value}" for name, value in chosen.items())


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{max(1, seconds)} s"
