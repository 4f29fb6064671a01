"""The trials of a study that goes on where repeats tell most, with results that a test writes."""

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


def asked(**options: Any) -> ComparisonOptions:  # noqa: ANN401 - any option
    """Options of a study of these setups."""
    return ComparisonOptions(batch_sizes=(8, 16), learning_rates=(0.1,), **options)


@dataclass
class Lab:
    """A study with two slots, whose trainings end as the test says."""

    repeats: FurtherRepeats
    recorder: Recorder
    said: list[str] = field(default_factory=list)
    noted: list[int] = field(default_factory=list)

    def run(self, *, restarts: int = 2, slots: int = 2) -> None:
        """Begin a run of Tune."""
        self.repeats.begin_run(
            slots=slots,
            collect=lambda: None,
            note=lambda: self.noted.append(len(self.repeats.further)),
            say=self.said.append,
            restarts=restarts,
        )

    def propose(self) -> TrialPlan:
        """The next trial, which there must be."""
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
        """A trial has ended by itself."""
        row = epoch(1, joules, score, of=plan, stop=StopReason.PATIENCE, stage=stage)
        self.recorder.add(row)
        self.repeats.end(plan.trial_id, {}, lost=False)

    def first(self, *joules: float) -> None:
        """Run the first repeats: of the setups in turn, with these energies."""
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
    """A study of two setups, of which nothing has run, or what `recorder` has."""
    recorder = recorder or recorder_in(tmp_path)
    manifest = replace(MANIFEST, setups=SETUPS, seeds=options.seeds)
    made = Lab(FurtherRepeats(options, manifest, recorder, begun=begun), recorder)
    made.run()
    return made


def recorder_in(tmp_path: Path) -> Recorder:
    """A recorder of a regime study."""
    return Recorder(
        StudyFolder(str(tmp_path), "a"),
        study="a",
        paradigm=Paradigm.REGIME,
        scenario="s",
        objective=ACCURACY,
        stages=(Stage.ENCODER_CLASSIFIER,),
        target=None,
    )


def test_the_first_repeats_come_at_once_and_are_waited_for(tmp_path: Path) -> None:
    """As many as there are; the next depends on what they come to."""
    study = lab(tmp_path, asked(more_repeats=2))

    plans = [study.propose() for _ in range(4)]

    assert {(plan.setup, plan.seed) for plan in plans} == {(1, 0), (1, 1), (2, 0), (2, 1)}
    assert study.repeats.propose() is None
    assert study.repeats.is_waiting
    assert study.repeats.expected == 6


def test_further_repeats_have_new_seeds_and_are_written_down_first(tmp_path: Path) -> None:
    """As many as asked for; each says why it is trained."""
    study = lab(tmp_path, asked(more_repeats=2))
    study.first(100.0, 140.0, 110.0, 130.0)

    plans = [study.propose(), study.propose()]

    assert study.noted == [1, 2]
    assert [FurtherTrial(setup=p.setup, seed=p.seed) for p in plans] == study.repeats.further
    assert {plan.seed for plan in plans} <= {2, 3}
    assert len({plan.trial_id for plan in plans}) == 2
    assert f"next: repeat 3 of setup {plans[0].setup}, the most informative run" in study.said[0]


def test_no_more_run_at_once_than_there_are_slots(tmp_path: Path) -> None:
    """Each is decided as late as possible."""
    study = lab(tmp_path, asked(more_repeats=3))
    study.first(100.0, 140.0, 110.0, 130.0)
    one = study.propose()
    study.propose()

    full = study.repeats.propose()
    study.end(one, 120.0)

    assert full is None
    assert study.propose().trial_id != one.trial_id


def test_it_ends_when_as_many_were_trained_as_asked_for(tmp_path: Path) -> None:
    """And says so; what still runs is not waited for."""
    study = lab(tmp_path, asked(more_repeats=1))
    study.first(100.0, 140.0, 110.0, 130.0)
    study.propose()

    assert study.repeats.propose() is None
    assert not study.repeats.is_waiting
    assert study.said[-1] == "no further repeats: --more-repeats 1 is reached"
    assert study.repeats.expected == 5


def test_it_ends_when_the_answer_is_as_sure_as_asked_for(tmp_path: Path) -> None:
    """And still is after another training: a first moment of such a probability may be luck."""
    study = lab(tmp_path, asked(sure=0.8))
    study.first(100.0, 101.0, 310.0, 312.0)

    confirming = study.propose()
    waits = study.repeats.propose() is None and study.repeats.is_waiting
    study.end(confirming, 100.5 if confirming.setup == 1 else 311.0)

    assert waits
    assert study.repeats.propose() is None
    assert study.repeats.end_reason is not None
    assert study.repeats.end_reason.startswith("setup 1 is right with a probability of ")
    assert study.repeats.expected == 5


def test_a_study_that_was_sure_is_not_trained_further_when_resumed(tmp_path: Path) -> None:
    """The training that confirmed it is known."""
    options = asked(sure=0.8)
    earlier = lab(tmp_path, options)
    earlier.first(100.0, 101.0, 310.0, 312.0)
    earlier.end(earlier.propose(), 100.5)

    study = lab(tmp_path, options, *earlier.repeats.further, recorder=earlier.recorder)

    assert study.repeats.end_reason is not None
    assert study.repeats.expected == 5


def test_without_a_number_it_ends_at_as_many_as_the_first(tmp_path: Path) -> None:
    """However unsure the answer is, and says what takes more."""
    study = lab(tmp_path, asked(sure=0.999))
    study.first(100.0, 140.0, 110.0, 130.0)

    for _ in range(4):
        study.end(study.propose(), 120.0)

    assert study.repeats.propose() is None
    assert "--more-repeats sets another maximum" in study.said[-1]


def test_a_budget_is_not_exceeded(tmp_path: Path) -> None:
    """What runs counts with what its setup needed so far."""
    watt_hours = (100.0 + 140.0 + 110.0 + 130.0 + 130.0) / 3600
    study = lab(tmp_path, asked(sure=0.99, energy_budget_wh=watt_hours))
    study.run(slots=4)
    study.first(100.0, 140.0, 110.0, 130.0)
    one = study.propose()

    waits = study.repeats.propose() is None and study.repeats.is_waiting
    study.end(one, 125.0)

    assert waits
    assert study.repeats.propose() is None
    assert "does not suffice for another" in study.said[-1]


def test_a_budget_is_used_by_tests_too(tmp_path: Path) -> None:
    """As on the bill of the study: 30 J of a test are not there for another training."""
    watt_hours = (100.0 + 140.0 + 110.0 + 130.0 + 130.0) / 3600
    study = lab(tmp_path, asked(sure=0.99, energy_budget_wh=watt_hours))
    study.run(slots=4)
    study.first(100.0, 140.0, 110.0, 130.0)
    study.recorder.add_booking(booking(booked(TEST, 1, 30.0)))  # of setup 1, seed 0

    assert study.repeats.propose() is None
    assert "does not suffice for another" in study.said[-1]


def test_nothing_known_of_a_spread_ends_it(tmp_path: Path) -> None:
    """Where trainings have no energy."""
    study = lab(tmp_path, asked(more_repeats=3))
    for plan in [study.propose() for _ in range(4)]:
        study.recorder.add(epoch(1, None, 0.5, of=plan, stop=StopReason.PATIENCE))
        study.repeats.end(plan.trial_id, {}, lost=False)

    assert study.repeats.propose() is None
    assert study.said == [
        "no further repeats: no setup has two results, so the spread of repeats is not known"
    ]


def test_lost_first_repeats_are_run_again_before_anything_is_decided(tmp_path: Path) -> None:
    """The run of Tune ends, and the next begins with them as new attempts."""
    study = lab(tmp_path, asked(more_repeats=1))
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


def test_a_first_repeat_that_is_lost_for_good_does_not_stop_the_rest(tmp_path: Path) -> None:
    """Where no run may follow, what is known decides."""
    study = lab(tmp_path, asked(more_repeats=1))
    study.run(restarts=0)
    plans = [study.propose() for _ in range(4)]
    for plan in plans[1:]:
        study.end(plan, 100.0 + plan.setup)
    study.repeats.end(plans[0].trial_id, {}, lost=True)

    assert study.propose().seed == 2


def test_an_earlier_commands_repeats_are_not_trained_again(tmp_path: Path) -> None:
    """One that had not ended goes on; the next of a setup has the seed behind."""
    options = asked(more_repeats=3)
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


def test_a_study_that_had_all_has_nothing_left(tmp_path: Path) -> None:
    """Resumed, it does not start anything."""
    options = asked(more_repeats=1)
    earlier = lab(tmp_path, options)
    earlier.first(100.0, 140.0, 110.0, 130.0)
    earlier.end(earlier.propose(), 120.0)

    study = lab(tmp_path, options, *earlier.repeats.further, recorder=earlier.recorder)

    assert study.repeats.end_reason is not None
    assert study.repeats.remaining == []
    assert study.repeats.expected == 5
