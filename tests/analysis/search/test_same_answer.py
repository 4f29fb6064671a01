"""Terminal and report name the same setups as what a search has found."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.search.info import search_info
from analysis.search.tables import search_text
from study.record.files import WH
from study.record.manifest import SetupFacts
from study.record.records import TrialRecord
from study.record.vocabulary import EnergyMethod, StopReason, TrialStatus
from study.search.options import SearchOptions
from study.search.text import live_lines
from tests.analysis.study_folder import DATA, manifest_of
from tests.study.rows import plan
from tests.study.search.test_live_search import live, record_of

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


def in_the_terminal(trials: Sequence[TrialRecord], options: SearchOptions) -> list[int]:
    """Setups that the command names at its end."""
    lines = live_lines(
        live(options), trials, options, setups=SETUPS, study="own", used_j=0.0, unit=WH
    )
    found = (re.match(r"  (?:recommended|front): setup (\d+),", line) for line in lines)
    return [int(each[1]) for each in found if each]


def in_the_report(trials: Sequence[TrialRecord], options: SearchOptions) -> list[int]:
    """Setups that the analysis names."""
    asked = {"goal": options.goal, "target": options.target, "confirm": options.confirm}
    manifest = replace(
        manifest_of("own", SETUPS, (), DATA, EnergyMethod.COUNTER),
        options={**asked, "max_epochs": 30},
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
    text = search_text(info, manifest, (), WH)
    named = re.match(
        r"The (?:search recommends setup|front of the search is setups) ([^.]*)\.", text
    )
    probable = {info.sure.setup} if info.sure else set()
    assert probable <= set(info.answer)
    return [int(each) for each in re.findall(r"\d+", named[1])] if named else []


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
