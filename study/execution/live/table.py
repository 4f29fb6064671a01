"""The live table of a study: one row per setup, for terminals from 40 characters wide."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from study.record.files import EnergyUnit
from study.record.manifest import SetupFacts
from study.record.objective import Objective
from study.record.records import EpochRecord
from study.record.vocabulary import positional

HEAD_RULE = box.Box("    \n    \n ─  \n    \n    \n    \n    \n    \n")
"""Box style with a single rule under the header and two spaces between columns."""

NARROW, WIDE = 72, 100
"""Widths in characters: below the first, columns are omitted; from the second, forecasts are shown."""


@dataclass(slots=True)
class TrialState:
    """State of a running trial; `last` and `best` are None before the first epoch and score."""

    begun_s: float
    last: EpochRecord | None = None
    epochs: int = 0
    best: float | None = None


@dataclass(slots=True)
class SetupState:
    """State of one setup so far; `measured` and `missing` count epochs with and without an energy."""

    running: dict[str, TrialState] = field(default_factory=dict)
    ended: int = 0
    unhappy: set[str] = field(default_factory=set)
    best: float | None = None
    energy_j: float = 0.0
    epochs: int = 0
    measured: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Content of the table at one moment.

    Attributes:
        setups: Setups, one for each row.
        states: State of each setup, by its number; a setup without one has not begun.
        repeats: Number of repeats of each setup, at least.
        objective: Objective whose best values are shown.
        unit: Unit of all energies.
        label: ` estimated` if energies are estimates; otherwise empty.
        in_stages: Whether trials have several stages.
        coming: Returns the forecast of a running trial's energy as text, by the trial's identifier;
            None before there is one.
    """

    setups: Sequence[SetupFacts]
    states: Mapping[int, SetupState]
    repeats: int
    objective: Objective
    unit: EnergyUnit
    label: str
    in_stages: bool
    coming: Callable[[str], str | None]


def live_table(frame: Frame, *, width: int) -> RenderableType:
    """Return the table, fitted to the width of the terminal.

    Args:
        frame: Content of the table.
        width: Width of the terminal, in characters.
    """
    if width < NARROW:
        return _narrow(frame)
    table = Table(box=HEAD_RULE, show_edge=False, padding=0)
    name, unit, label = frame.objective.name, frame.unit.name, frame.label.strip()
    percent = "\n%" if frame.objective.is_share else ""
    for heading in (
        "setup",
        "batch\nsize",
        "learning\nrate",
        "repeats\nended",
        "epochs\nso far",
        f"best\n{name}{percent}",
        f"{unit} per\nepoch\n{label}".rstrip(),
        f"{unit}\nso far\n{label}".rstrip(),
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("now", min_width=8)
    for setup, state, cells in _rows(frame):
        del setup
        begun = bool(state.running or state.ended)
        now = _now(state, frame, with_energy=width >= WIDE)
        table.add_row(*cells, now, style=None if begun else "dim")
    return table


def _narrow(frame: Frame) -> Group:
    """Return a table with fewer columns, and the running trials as text below it."""
    table = Table(box=HEAD_RULE, show_edge=False, padding=0)
    best = "best\n%" if frame.objective.is_share else "best"
    energy = f"{frame.unit.name}\n{'est.' if frame.label else 'used'}"
    for heading in ("setup", "batch\nsize", "rate", "ended", best, energy):
        table.add_column(heading, justify="right", no_wrap=True)
    words = []
    for setup, state, cells in _rows(frame):
        number, size, rate, ended, _, accuracy, _, so_far = cells
        style = "cyan" if state.running else None if state.ended else "dim"
        table.add_row(number, size, rate, ended, accuracy, so_far, style=style)
        now = _now(state, frame, with_energy=False)
        if now:
            words.append(Text.assemble(f"{setup.setup}: ", now))
    if not words:
        return Group(table)
    return Group(table, Text.assemble(("now: ", "dim"), Text("; ").join(words)))


def _rows(frame: Frame) -> list[tuple[SetupFacts, SetupState, list[str | Text]]]:
    best = frame.objective.best(state.best for state in frame.states.values())
    rows = []
    for setup in tuple(frame.setups):
        state = frame.states.get(setup.setup, SetupState())
        rows.append((setup, state, _row(setup, state, best, frame)))
    return rows


def _row(
    setup: SetupFacts, state: SetupState, best: float | None, frame: Frame
) -> list[str | Text]:
    accuracy = Text("-" if state.best is None else bare_score(state.best, frame.objective))
    if state.best is not None and state.best == best:
        accuracy.stylize("bold green")
    per_epoch = so_far = "not known" if state.missing else "-"
    if state.measured:
        if state.epochs:
            per_epoch = frame.unit.number(state.energy_j / state.measured)
        so_far = f"{'>' if state.missing else ''}{frame.unit.number(state.energy_j)}"
    return [
        str(setup.setup),
        str(setup.batch_size),
        positional(setup.learning_rate),
        f"{state.ended}/{max(frame.repeats, state.ended + len(state.running))}",
        str(state.epochs or "-"),
        accuracy,
        per_epoch,
        so_far,
    ]


def bare_score(score: float, objective: Objective) -> str:
    """Return a value of the objective as text without its unit; a share is given in percent."""
    return f"{100 * score:.1f}" if objective.is_share else f"{score:#.4g}"


def _now(state: SetupState, frame: Frame, *, with_energy: bool) -> Text:
    running = []
    for trial_id, trial in state.running.items():
        place = _place(trial.last, in_stages=frame.in_stages)
        coming = frame.coming(trial_id) if with_energy and trial.last is not None else None
        running.append(f"{place} ({coming})" if coming else place)
    parts = [Text(", ".join(running), style="cyan")] if running else []
    parts += [Text(word, style="bold red") for word in sorted(state.unhappy)]
    return Text(", ").join(parts)


def _place(last: EpochRecord | None, *, in_stages: bool) -> str:
    """Return how far a trial is: its epoch, and its stage if it has several."""
    if last is None:
        return "starting"
    if not in_stages:
        return f"epoch {last.epoch + 1}"
    if last.stop_reason is not None:
        return f"after {last.stage}"
    return f"{last.stage} {last.epoch + 1}"
