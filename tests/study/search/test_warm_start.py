"""Results that a search takes from earlier studies, and studies that it refuses."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.errors import OptionError
from study.record.files import EPOCHS_FILE, MANIFEST_FILE, TRIALS_FILE
from study.record.manifest import Manifest, SetupFacts
from study.record.objective import ACCURACY
from study.record.records import EpochRecord, TrialRecord
from study.record.search.goal import SearchGoal
from study.record.vocabulary import Paradigm, Stage, StopReason
from study.search.space.space import Space, space_of
from study.search.warm_start import EarlierStudies, earlier_studies
from study.store.folder import StudyFolder
from study.store.setups import TrialPlan
from study.store.trial_record import trial_record
from tests.study.record.test_manifest import MANIFEST
from tests.study.rows import epoch, plan

OPTIONS = {
    "max_epochs": 3,
    "patience": 3,
    "optimizer": "adam",
    "precision": "fp32",
    "clip_norm": None,
    "power_limits": None,
}
SEARCH = replace(MANIFEST, study="search", paradigm=Paradigm.SEARCH, options=OPTIONS)
SPACE = space_of({"batch_size": (64, 256), "learning_rate": (0.1, 0.01)})

Trial = tuple[TrialPlan, Sequence[float], StopReason]
"""A trial, its accuracies, and its stop reason; each epoch needs 2 J."""


def write(tmp_path: Path, *trials: Trial, **changes: Any) -> Path:  # noqa: ANN401 - any field
    """Write an earlier regime study with these trials, and return its folder."""
    earlier = replace(MANIFEST, study="grid", options=OPTIONS)
    folder = StudyFolder(str(tmp_path), "grid")
    folder.prepare()
    folder.write_text(MANIFEST_FILE, replace(earlier, **changes).to_json())
    rows: list[EpochRecord] = []
    records = []
    for trial, accuracies, reason in trials:
        last = len(accuracies)
        own = [
            epoch(n, 2.0, accuracy, of=trial, stop=reason if n == last else None)
            for n, accuracy in enumerate(accuracies, start=1)
        ]
        rows += own
        records.append(
            trial_record(
                trial,
                epochs=own,
                windows=[],
                error=None,
                study="grid",
                paradigm=Paradigm.REGIME,
                scenario="watch",
                objective=ACCURACY,
                stages=(Stage.ENCODER_CLASSIFIER,),
                target=None,
            )
        )
    folder.write_rows(EPOCHS_FILE, EpochRecord, [row.to_row() for row in rows])
    folder.write_rows(TRIALS_FILE, TrialRecord, [row.to_row() for row in records])
    return tmp_path / "grid"


def known(
    place: Path,
    *,
    space: Space = SPACE,
    goal: SearchGoal = SearchGoal.ENERGY_TO_TARGET,
    manifest: Manifest = SEARCH,
    similar: bool = False,
    devices: Collection[str] = (),
) -> EarlierStudies:
    """Return what a search with a target of 0.8 takes from the study."""
    return earlier_studies(
        [place],
        manifest,
        space=space,
        goal=goal,
        target=0.8,
        similar=similar,
        devices=devices,
    )


def test_energy_is_taken_to_the_searchs_own_target(tmp_path: Path) -> None:
    """The earlier study had no target; epochs count up to the first that reaches this one."""
    place = write(tmp_path, (plan(1), [0.5, 0.8, 0.9], StopReason.MAX_EPOCHS))

    found = known(place)

    (hint,) = found.hints
    assert hint.choice == (64, 0.1)
    assert hint.values == pytest.approx((0.60206,))  # log10 of 4 J
    assert [trial.energy_to_target_j for trial in found.trials] == [4.0]


def test_seeds_of_a_setup_are_averaged_in_one_hint(tmp_path: Path) -> None:
    """All their trials are kept, because their spread is used later."""
    place = write(
        tmp_path,
        (plan(1), [0.8], StopReason.PATIENCE),
        (plan(1, 1), [0.5, 0.5, 0.5, 0.8], StopReason.PATIENCE),
    )

    found = known(place)

    assert [hint.values for hint in found.hints] == [pytest.approx((0.60206,))]
    assert len(found.trials) == 2


@pytest.mark.parametrize(
    ("accuracies", "reason", "goal"),
    [
        ([0.5, 0.6], StopReason.STOPPED, SearchGoal.ENERGY_TO_TARGET),
        ([0.5, 0.6], StopReason.STOPPED, SearchGoal.ACCURACY_ENERGY),
        ([0.5, 0.6], StopReason.TARGET, SearchGoal.ENERGY_TO_TARGET),
        ([0.5, 0.9], StopReason.TARGET, SearchGoal.ACCURACY_ENERGY),
    ],
)
def test_a_training_that_was_cut_short_is_not_taken(
    tmp_path: Path, accuracies: list[float], reason: StopReason, goal: SearchGoal
) -> None:
    """Its energy is a lower bound, or it ended at a target that is too low for this search."""
    found = known(write(tmp_path, (plan(1), accuracies, reason)), goal=goal)

    assert found.trials == ()
    assert all(hint.values is None for hint in found.hints)


def test_setups_outside_the_space_are_ignored(tmp_path: Path) -> None:
    """The search does not have this batch size."""
    place = write(tmp_path, (plan(1, batch_size=32), [0.9], StopReason.PATIENCE))

    assert known(place) == EarlierStudies()


def test_trials_with_other_parameters_are_ignored(tmp_path: Path) -> None:
    """Of a grid over precisions, only trials with the search's own precision are taken."""
    place = write(
        tmp_path,
        *(
            (replace(plan(setup), parameters=text), [0.9], StopReason.PATIENCE)
            for setup, text in ((1, '{"precision": "bf16"}'), (2, '{"precision": "fp32"}'))
        ),
    )

    found = known(place)

    assert [each.setup for each in found.trials] == [2]
    assert [each.setup for each in known(place, similar=True).trials] == [2]


def test_a_grid_counts_as_training_its_encoders(tmp_path: Path) -> None:
    """Its trials have the option's optimizer, and no frozen encoder."""
    place = write(tmp_path, (plan(1), [0.9], StopReason.PATIENCE))
    space = space_of(
        {
            "batch_size": (64,),
            "learning_rate": (0.1,),
            "optimizer": ("adam", "sgd"),
            "frozen": (True, False),
        }
    )

    (hint,) = known(place, space=space).hints

    assert hint.choice == (64, 0.1, "adam", False)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"scenario": "pamap2"}, "its scenario is pamap2, this one is watch"),
        ({"data": replace(MANIFEST.data, fingerprint="g")}, "its data are exercises"),
        ({"paradigm": Paradigm.MULTITASK}, "a study of multitask"),
        ({"options": {**OPTIONS, "optimizer": "sgd"}}, "--optimizer was sgd and is adam"),
        ({"options": {**OPTIONS, "precision": "bf16"}}, "--precision was bf16 and is fp32"),
        ({"options": {**OPTIONS, "clip_norm": 1.0}}, "--clip-norm was 1.0 and is None"),
        (
            {"options": {**OPTIONS, "power_limits": ["100", "200"]}},
            r"--power-limits was \['100', '200'\] and is None",
        ),
        (
            {"options": {**OPTIONS, "scenario_options": {"encoder": "resnet34"}}},
            "--encoder was resnet34 and is None",
        ),
    ],
)
def test_a_study_of_something_else_is_refused(
    tmp_path: Path, changes: dict[str, Any], named: str
) -> None:
    """On request, its setups are taken as hints without values."""
    place = write(tmp_path, (plan(1), [0.9], StopReason.PATIENCE), **changes)

    with pytest.raises(OptionError, match=named):
        known(place)
    found = known(place, similar=True)
    assert [hint.values for hint in found.hints] == [None]
    assert found.trials == ()


@pytest.mark.parametrize(("default", "taken"), [("bf16", True), ("fp16", False)])
def test_an_axis_with_the_present_value_matches(
    tmp_path: Path, default: str, *, taken: bool
) -> None:
    """The earlier study's option does not matter then; an axis without the value does not match."""
    axis = [
        SetupFacts(
            setup=n, batch_size=64, learning_rate=0.1, parameters={"precision": f"fp{n * 16}"}
        )
        for n in ((1, 2) if taken else (4,))
    ]
    trial = replace(plan(2), parameters='{"precision": "fp32"}')
    place = write(
        tmp_path,
        (trial, [0.9], StopReason.PATIENCE),
        setups=tuple(axis),
        options={**OPTIONS, "precision": default},
    )

    if taken:
        assert [each.setup for each in known(place).trials] == [2]
    else:
        with pytest.raises(OptionError, match="--precision was fp16 and is fp32"):
            known(place)


def test_options_that_json_changes_still_match(tmp_path: Path) -> None:
    """JSON turns tuples and paths into lists and texts."""
    own = {"weights": Path("a.pt"), "sizes": (1, 2)}
    options = {**OPTIONS, "scenario_options": own}
    place = write(tmp_path, (plan(1), [0.9], StopReason.PATIENCE), options=options)

    assert len(known(place, manifest=replace(SEARCH, options=options)).trials) == 1


def test_the_length_of_trainings_matters_only_without_a_target(tmp_path: Path) -> None:
    """Training to a target does not depend on it; training to the end does."""
    options = {**OPTIONS, "max_epochs": 30}
    place = write(tmp_path, (plan(1), [0.9], StopReason.PATIENCE), options=options)

    assert len(known(place).trials) == 1
    with pytest.raises(OptionError, match="--max-epochs was 30 and is 3"):
        known(place, goal=SearchGoal.ACCURACY)


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    """The error names the folder."""
    with pytest.raises(OptionError, match="nowhere holds no study"):
        known(tmp_path / "nowhere")


def test_a_resumed_trial_counts_with_all_its_attempts(tmp_path: Path) -> None:
    """Two epochs of the first attempt and one of the second are 6 J, as in its record."""
    place = write(tmp_path, (plan(1), [0.5, 0.6, 0.9], StopReason.MAX_EPOCHS))
    folder = StudyFolder(str(tmp_path), "grid")
    rows = folder.read_rows(EPOCHS_FILE)
    rows[2]["attempt"] = 2
    folder.write_rows(EPOCHS_FILE, EpochRecord, rows)

    found = known(place)

    assert [trial.energy_to_target_j for trial in found.trials] == [6.0]
