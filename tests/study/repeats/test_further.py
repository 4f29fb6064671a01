"""Further repeats of a study, with results that the tests write."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from study.record.manifest import FurtherTrial
from study.record.objective import ACCURACY
from study.record.vocabulary import TEST, Paradigm, Stage, StopReason
from study.repeats.further import FurtherRepeats
from study.repeats.options import ComparisonOptions
from study.store.folder import StudyFolder
from study.store.recorder import Recorder
from study.store.setups import TrialPlan, grid
from tests.study.record.test_manifest import MANIFEST
from tests.study.rows import booked, epoch
from tests.study.store.recorders import booking

SETUPS = grid((8, 16), (0.1,))
SCORES = {(1, 0): 0.90, (1, 1): 0.905, (2, 0): 0.90, (2, 1): 0.905}


def options_with(**options: Any) -> ComparisonOptions:  # noqa: ANN401 - any option
    """Return options of a study with these setups."""
    return ComparisonOptions(batch_sizes=(8, 16), learning_rates=(0.1,), **options)


@dataclass
class Lab:
    """Study with two slots, whose trainings end with results that a test gives."""

    repeats: FurtherRepeats
    recorder: Recorder
    messages: list[str] = field(default_factory=list)
    counts_noted: list[int] = field(default_factory=list)

    def run(self, *, restarts: int = 2, slots: int = 2) -> None:
        """Begin a run of Tune, or another one."""
        self.repeats.begin_run(
            slots=slots,
            collect=lambda: None,
            note=lambda: self.counts_noted.append(len(self.repeats.further)),
            say=self.messages.append,
            restarts=restarts,
        )

    def propose(self) -> TrialPlan:
        """Return the next trial; there must be one."""
        plan = self.repeats.propose()
        assert plan is not None
        return plan

    def end(
        self,
        plan: TrialPlan,
        joules: float,
        score: float = 0.9,
        *,
        stage: str = "encoder+classifier",
    ) -> None:
        """Let a trial end by itself after one epoch."""
        row = epoch(1, joules, score, of=plan, stop=StopReason.PATIENCE, stage=stage)
        self.recorder.add(row)
        self.repeats.end(plan.trial_id, {}, lost=False)

    def first(self, *joules: float) -> None:
        """Run the first repeats with these energies, ordered by setup and seed."""
        plans = [self.propose() for _ in range(len(joules))]
        for plan, energy_j in zip(
            sorted(plans, key=lambda p: (p.setup, p.seed)), joules, strict=True
        ):
            self.end(plan, energy_j, SCORES[plan.setup, plan.seed])


def lab(
    tmp_path: Path,
    options: ComparisonOptions,
    *begun: FurtherTrial,
    recorder: Recorder | None = None,
) -> Lab:
    """Return a study of two setups, in which only the trials in `recorder` have run."""
    recorder = recorder or recorder_in(tmp_path)
    manifest = replace(MANIFEST, setups=SETUPS, seeds=options.seeds)
    made = Lab(FurtherRepeats(options, manifest, recorder, begun=begun), recorder)
    made.run()
    return made


def recorder_in(tmp_path: Path) -> Recorder:
    """Return a recorder of a regime study."""
    return Recorder(
        StudyFolder(str(tmp_path), "a"),
        study="a",
        paradigm=Paradigm.REGIME,
        scenario="s",
        objective=ACCURACY,
        stages=(Stage.ENCODER_CLASSIFIER,),
        target=None,
    )


def test_the_first_repeats_are_proposed_at_once(tmp_path: Path) -> None:
    """The next trial waits for their results."""
    study = lab(tmp_path, options_with(more_repeats=2))

    plans = [study.propose() for _ in range(4)]

    assert {(plan.setup, plan.seed) for plan in plans} == {(1, 0), (1, 1), (2, 0), (2, 1)}
    assert study.repeats.propose() is None
    assert study.repeats.is_waiting
    assert study.repeats.expected == 6


def test_further_repeats_have_new_seeds_and_are_recorded_first(tmp_path: Path) -> None:
    """A message says why each is trained."""
    study = lab(tmp_path, options_with(more_repeats=2))
    study.first(100.0, 140.0, 110.0, 130.0)

    plans = [study.propose(), study.propose()]

    assert study.counts_noted == [1, 2]
    assert [FurtherTrial(setup=p.setup, seed=p.seed) for p in plans] == study.repeats.further
    assert {plan.seed for plan in plans} <= {2, 3}
    assert len({plan.trial_id for plan in plans}) == 2
    assert (
        f"next: repeat 3 of setup {plans[0].setup}, the most informative run" in study.messages[0]
    )


def test_no_more_trials_run_at_once_than_there_are_slots(tmp_path: Path) -> None:
    """Each further repeat is decided as late as possible."""
    study = lab(tmp_path, options_with(more_repeats=3))
    study.first(100.0, 140.0, 110.0, 130.0)
    one = study.propose()
    study.propose()

    full = study.repeats.propose()
    study.end(one, 120.0)

    assert full is None
    assert study.propose().trial_id != one.trial_id


def test_a_study_ends_after_the_requested_number_of_repeats(tmp_path: Path) -> None:
    """It says so, and proposes nothing more while the last one is still running."""
    study = lab(tmp_path, options_with(more_repeats=1))
    study.first(100.0, 140.0, 110.0, 130.0)
    study.propose()

    assert study.repeats.propose() is None
    assert not study.repeats.is_waiting
    assert study.messages[-1] == "no further repeats: --more-repeats 1 is reached"
    assert study.repeats.expected == 5


def test_a_study_ends_when_the_answer_is_sure_enough(tmp_path: Path) -> None:
    """Another training must confirm it, since the first such probability may be luck."""
    study = lab(tmp_path, options_with(sure=0.8))
    study.first(100.0, 101.0, 310.0, 312.0)

    confirming = study.propose()
    waits = study.repeats.propose() is None and study.repeats.is_waiting
    study.end(confirming, 100.5 if confirming.setup == 1 else 311.0)

    assert waits
    assert study.repeats.propose() is None
    assert study.repeats.end_reason is not None
    assert study.repeats.end_reason.startswith("setup 1 is right with a probability of ")
    assert study.repeats.expected == 5


def test_a_resumed_study_whose_answer_is_sure_stays_ended(tmp_path: Path) -> None:
    """The training that confirmed the answer is recorded."""
    options = options_with(sure=0.8)
    earlier = lab(tmp_path, options)
    earlier.first(100.0, 101.0, 310.0, 312.0)
    earlier.end(earlier.propose(), 100.5)

    study = lab(tmp_path, options, *earlier.repeats.further, recorder=earlier.recorder)

    assert study.repeats.end_reason is not None
    assert study.repeats.expected == 5


def test_without_a_maximum_there_are_as_many_further_repeats_as_first_ones(tmp_path: Path) -> None:
    """The study then ends however unsure the answer is, and names the option that allows more."""
    study = lab(tmp_path, options_with(sure=0.999))
    study.first(100.0, 140.0, 110.0, 130.0)

    for _ in range(4):
        study.end(study.propose(), 120.0)

    assert study.repeats.propose() is None
    assert "--more-repeats sets another maximum" in study.messages[-1]


def test_an_energy_budget_is_not_exceeded(tmp_path: Path) -> None:
    """A running trial counts with the energy that its setup needed before."""
    watt_hours = (100.0 + 140.0 + 110.0 + 130.0 + 130.0) / 3600
    study = lab(tmp_path, options_with(sure=0.99, energy_budget_wh=watt_hours))
    study.run(slots=4)
    study.first(100.0, 140.0, 110.0, 130.0)
    one = study.propose()

    waits = study.repeats.propose() is None and study.repeats.is_waiting
    study.end(one, 125.0)

    assert waits
    assert study.repeats.propose() is None
    assert "does not suffice for another" in study.messages[-1]


def test_tests_count_towards_the_energy_budget(tmp_path: Path) -> None:
    """As on the study's bill, 30 J of a test are not available for another training."""
    watt_hours = (100.0 + 140.0 + 110.0 + 130.0 + 130.0) / 3600
    study = lab(tmp_path, options_with(sure=0.99, energy_budget_wh=watt_hours))
    study.run(slots=4)
    study.first(100.0, 140.0, 110.0, 130.0)
    study.recorder.add_booking(booking(booked(TEST, 1, 30.0)))  # of setup 1, seed 0

    assert study.repeats.propose() is None
    assert "does not suffice for another" in study.messages[-1]


def test_a_study_without_a_spread_ends(tmp_path: Path) -> None:
    """Here no training has an energy."""
    study = lab(tmp_path, options_with(more_repeats=3))
    for plan in [study.propose() for _ in range(4)]:
        study.recorder.add(epoch(1, None, 0.5, of=plan, stop=StopReason.PATIENCE))
        study.repeats.end(plan.trial_id, {}, lost=False)

    assert study.repeats.propose() is None
    assert study.messages == [
        "no further repeats: no setup has two results, so the spread of repeats is not known"
    ]


def test_lost_first_repeats_are_run_again_before_any_decision(tmp_path: Path) -> None:
    """The run of Tune ends, and the next one begins with new attempts of them."""
    study = lab(tmp_path, options_with(more_repeats=1))
    plans = [study.propose() for _ in range(4)]
    for plan in plans[1:]:
        study.end(plan, 100.0 + plan.setup)
    study.repeats.end(plans[0].trial_id, {}, lost=True)

    ended = study.repeats.propose() is None and not study.repeats.is_waiting
    study.repeats.run_again([replace(plans[0], attempt=2)])
    study.run(restarts=1)

    assert ended
    assert study.repeats.end_reason is None
    again = study.propose()
    assert (again.trial_id, again.attempt) == (plans[0].trial_id, 2)
    study.end(again, 100.0)
    assert study.propose().seed == 2


def test_a_first_repeat_lost_for_good_does_not_stop_the_study(tmp_path: Path) -> None:
    """If no run may follow, the next repeat is decided by the known results."""
    study = lab(tmp_path, options_with(more_repeats=1))
    study.run(restarts=0)
    plans = [study.propose() for _ in range(4)]
    for plan in plans[1:]:
        study.end(plan, 100.0 + plan.setup)
    study.repeats.end(plans[0].trial_id, {}, lost=True)

    assert study.propose().seed == 2


def test_further_repeats_of_an_earlier_command_are_kept(tmp_path: Path) -> None:
    """One that had not ended is resumed, and new ones have further seeds."""
    options = options_with(more_repeats=3)
    earlier = lab(tmp_path, options)
    earlier.first(100.0, 140.0, 110.0, 130.0)
    ended, open_ = earlier.propose(), earlier.propose()
    earlier.end(ended, 120.0)

    study = lab(tmp_path, options, *earlier.repeats.further, recorder=earlier.recorder)

    assert [plan.trial_id for plan in study.repeats.remaining] == [open_.trial_id]
    assert study.propose().trial_id == open_.trial_id
    known = {ended.trial_id, open_.trial_id}
    assert study.propose().trial_id not in known
    assert study.repeats.expected == 7


def test_a_resumed_study_with_all_repeats_has_nothing_left(tmp_path: Path) -> None:
    """It starts no further trial."""
    options = options_with(more_repeats=1)
    earlier = lab(tmp_path, options)
    earlier.first(100.0, 140.0, 110.0, 130.0)
    earlier.end(earlier.propose(), 120.0)

    study = lab(tmp_path, options, *earlier.repeats.further, recorder=earlier.recorder)

    assert study.repeats.end_reason is not None
    assert study.repeats.remaining == []
    assert study.repeats.expected == 5
