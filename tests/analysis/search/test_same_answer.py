"""Terminal and report name the same setups as what a search has found."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analysis.search.info import search_info
from analysis.search.tables import search_text
from study.record.files import WH
from study.record.manifest import FurtherTrial, SearchAnswer, SetupFacts
from study.record.records import TrialRecord
from study.record.vocabulary import EnergyMethod, StopReason, TrialStatus
from study.search.options import SearchOptions
from study.search.pausing_search import PausingSearch
from study.search.text import live_lines
from tests.analysis.study_folder import DATA, manifest_of
from tests.study.rows import epoch, plan
from tests.study.search.test_live_search import live, record_of
from tests.study.search.test_pausing_search import OPTIONS, Folder
from tests.study.search.test_pausing_search import SETUPS as PAUSABLE

SETUPS = tuple(SetupFacts(setup=n, batch_size=8 * n, learning_rate=0.1) for n in (1, 2, 3))
TARGET = 0.5
SCORES = st.none() | st.sampled_from([0.0, 0.2, 0.25, 0.5, 0.75, 1.0])
ENERGIES = st.none() | st.sampled_from([1.0, 2.0, 3.0, 4.0])


@st.composite
def trials_of_a_search(draw: st.DrawFn) -> list[TrialRecord]:
    """Trials with any end, of setups with one to three seeds."""
    found = []
    for facts in SETUPS:
        for seed in range(draw(st.integers(0, 3))):
            energy_j, score = draw(ENERGIES), draw(SCORES)
            reason = draw(st.sampled_from([*StopReason]))
            reached = score is not None and score >= TARGET and reason is not StopReason.STOPPED
            status = TrialStatus.FAILED if reason is StopReason.ERROR else TrialStatus.FINISHED
            found.append(
                replace(
                    record_of(plan(facts.setup, seed), 1.0),
                    status=status,
                    stop_reason=reason,
                    energy_j=energy_j,
                    missing_epochs=int(energy_j is None),
                    best_val_score=score,
                    energy_to_target_j=energy_j if reached else None,
                    study="own",
                )
            )
    return found


def in_the_terminal(
    trials: Sequence[TrialRecord], options: SearchOptions, search: PausingSearch | None = None
) -> list[int]:
    """Setups that the command names at its end."""
    lines = said_at_the_end(trials, options, search)
    found = (re.match(r"  (?:recommended|front): setup (\d+),", line) for line in lines)
    return [int(each[1]) for each in found if each]


def said_at_the_end(
    trials: Sequence[TrialRecord], options: SearchOptions, search: PausingSearch | None = None
) -> list[str]:
    """Lines of the command; without a search, of one by a sampler of Optuna's."""
    ended = live(options) if search is None else search
    return [*live_lines(ended, trials, options, setups=SETUPS, study="own", used_j=0.0, unit=WH)]


def in_the_report(trials: Sequence[TrialRecord], options: SearchOptions) -> list[int]:
    """Setups that the analysis names."""
    text = said_in_the_report(trials, options)
    named = re.match(
        r"The (?:search recommends setup|front of the search is setups) ([^.]*)\.", text
    )
    return [int(each) for each in re.findall(r"\d+", named[1])] if named else []


def said_in_the_report(
    trials: Sequence[TrialRecord], options: SearchOptions, answer: SearchAnswer | None = None
) -> str:
    """What the analysis writes of a search that ended with an answer of its own, or with none."""
    asked = {"goal": options.goal, "target": options.target, "confirm": options.confirm}
    manifest = replace(
        manifest_of("own", SETUPS, (), DATA, EnergyMethod.COUNTER),
        options={**asked, "max_epochs": 30},
        answer=answer,
    )
    epochs = pd.DataFrame(
        [
            {"trial_id": t.trial_id, "setup": t.setup, "epoch_energy_j": 1.0, "uncertainty_j": 0.1}
            for t in trials
        ],
        columns=["trial_id", "setup", "epoch_energy_j", "uncertainty_j"],
    )
    rows = pd.DataFrame([each.to_row() for each in trials], columns=[*trials[0].to_row()])
    info = search_info(manifest, epochs, rows)
    probable = {info.probability.setup} if info.probability else set()
    assert probable <= set(info.answer)
    return search_text(info, manifest, (), WH)


@given(
    trials=trials_of_a_search().filter(bool),
    goal=st.sampled_from(["energy-to-target", "accuracy-energy", "accuracy"]),
    confirm=st.integers(0, 1),
)
@pytest.mark.slow
def test_the_command_and_the_report_name_the_same_setups(
    trials: list[TrialRecord], goal: str, confirm: int
) -> None:
    """Whatever became of each seed: stopped, diverged, without an energy or a score."""
    options = SearchOptions(
        goal=goal,  # type: ignore[arg-type]  # one of the three
        target=TARGET,
        confirm=confirm,
        batch_sizes=(8, 16, 24),
        learning_rates=(0.1,),
        halving="none",
        energy_budget_wh=1.0,
    )

    assert in_the_terminal(trials, options) == in_the_report(trials, options)


def test_a_setup_of_which_a_seed_diverged_is_not_recommended() -> None:
    """The other seed was lucky; what diverged was cheap because it failed."""
    base = replace(record_of(plan(1), 1.0), study="own", status=TrialStatus.FINISHED)
    lucky = replace(base, stop_reason=StopReason.PATIENCE, best_val_score=0.9)
    diverged = replace(base, seed=1, stop_reason=StopReason.DIVERGED, best_val_score=0.8)
    steady = replace(lucky, setup=2, best_val_score=0.7)
    options = SearchOptions(
        goal="accuracy", batch_sizes=(8, 16), learning_rates=(0.1,), energy_budget_wh=1.0
    )

    assert in_the_terminal([lucky, diverged, steady], options) == [2]
    assert in_the_report([lucky, diverged, steady], options) == [2]


COSTS = st.lists(st.floats(1.0, 40.0), min_size=1, max_size=4)


@given(costs=st.tuples(COSTS, COSTS, st.lists(st.floats(1.0, 40.0), max_size=2)))
@example(costs=([10.0, 10.0, 10.0, 33.0], [15.0] * 4, []))
@settings(max_examples=15)
@pytest.mark.slow
def test_a_search_that_repeats_says_in_the_report_what_it_has_decided_by(
    costs: Sequence[Sequence[float]],
) -> None:
    """One setup with one probability, in the terminal, in the report and where it decides on repeats.

    Of the example, means alone name the second setup, and the search is sure of the first.
    """
    folder = Folder()
    for facts, many in zip(PAUSABLE, costs, strict=False):
        for seed, energy_j in enumerate(many):
            of = replace(
                plan(facts.setup, seed),
                trial_id=f"setup{facts.setup:02d}-seed{seed}",
                batch_size=facts.batch_size,
                learning_rate=facts.learning_rate,
            )
            row = epoch(1, energy_j, 0.9, of=of, stop=StopReason.TARGET)
            folder.epochs[of.trial_id] = [row]
            if seed:
                folder.further.append(FurtherTrial(setup=facts.setup, seed=seed))
    search = folder.search()
    trials = [replace(each, study="own", status=TrialStatus.FINISHED) for each in folder.trials()]
    decided, answer = search.scheduler.answer(), search.answer

    text = said_in_the_report(trials, OPTIONS, answer)
    lines = "\n".join(said_at_the_end(trials, OPTIONS, search))

    assert decided is not None
    assert answer is not None
    assert PAUSABLE[answer.setup - 1].batch_size in decided[0]
    assert in_the_terminal(trials, OPTIONS, search) == [answer.setup]
    assert text.startswith(f"The search recommends setup {answer.setup}.")
    probable = r"needs at most 5 % more energy than the cheapest setup with a probability of ((?:over |under )?\d+ %)"
    assert re.findall(probable, text) == re.findall(probable, lines)
    assert bool(re.search(probable, text)) == (answer.probability is not None)


def test_the_terminal_says_of_how_many_epochs_the_energy_used_is_not_known() -> None:
    """As the report does: what was used is more."""
    folder = Folder(unread=[2])
    search = folder.search()
    folder.run(search)
    trials = [replace(each, study="own") for each in folder.trials()]
    unread = sum(each.missing_epochs for each in trials)

    assert f"and {unread} epochs without a reading" in "\n".join(
        said_at_the_end(trials, OPTIONS, search)
    )
