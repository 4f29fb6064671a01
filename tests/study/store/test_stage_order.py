"""The stages that a trial trains, and their order."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.record.vocabulary import FAILURES, Stage, StopReason
from study.store.stage_order import (
    NEEDS_ENCODER,
    chosen_stages,
    ordered,
    still_to_train,
)

PRETRAINING = (
    Stage.ENCODER,
    Stage.CLASSIFIER_FROZEN,
    Stage.CLASSIFIER_UNFROZEN,
    Stage.ENCODER_CLASSIFIER,
)
STAGES = st.lists(st.sampled_from(Stage), unique=True).map(tuple)


@given(stages=STAGES, seed=st.integers(0, 2**31))
@pytest.mark.slow
def test_an_order_has_each_stage_once_and_the_encoder_before_those_that_need_it(
    stages: tuple[Stage, ...], seed: int
) -> None:
    """This holds for any seed, and the same seed gives the same order."""
    order = ordered(stages, seed=seed)

    assert sorted(order) == sorted(stages)
    if Stage.ENCODER in order:
        place = order.index(Stage.ENCODER)
        assert all(place < order.index(each) for each in NEEDS_ENCODER & set(order))
    assert order == ordered(stages, seed=seed)


def test_seeds_give_every_order_that_is_allowed() -> None:
    """Every allowed order occurs, so that no stage always runs on a cold device."""
    found = {ordered(PRETRAINING, seed=seed) for seed in range(200)}

    allowed = [
        order
        for order in itertools.permutations(PRETRAINING)
        if all(order.index(Stage.ENCODER) < order.index(each) for each in NEEDS_ENCODER)
    ]
    assert found == set(allowed)


@given(ended=st.dictionaries(st.sampled_from(PRETRAINING), st.sampled_from(StopReason)))
def test_stages_still_to_train_have_not_ended_and_have_their_encoder(
    ended: dict[str, StopReason],
) -> None:
    """Stages that need the encoder are left out exactly when its training failed."""
    remaining = still_to_train(PRETRAINING, ended)

    assert not set(remaining) & set(ended)
    left_out = set(PRETRAINING) - set(ended) - set(remaining)
    assert left_out <= NEEDS_ENCODER
    assert bool(left_out) == (
        ended.get(Stage.ENCODER) in FAILURES and bool(NEEDS_ENCODER - set(ended))
    )


@pytest.mark.parametrize(
    ("parameters", "stages"),
    [
        ({}, (Stage.ENCODER, Stage.CLASSIFIER_FROZEN, Stage.ENCODER_CLASSIFIER)),
        ({"frozen": True}, (Stage.ENCODER, Stage.CLASSIFIER_FROZEN)),
        ({"frozen": False}, (Stage.ENCODER_CLASSIFIER,)),
    ],
)
def test_a_setup_chooses_its_stages(parameters: dict[str, bool], stages: tuple[Stage, ...]) -> None:
    """With `frozen`, the encoder is trained before the classifier; without, both are trained together."""
    study_stages = (Stage.ENCODER, Stage.CLASSIFIER_FROZEN, Stage.ENCODER_CLASSIFIER)

    assert chosen_stages(study_stages, parameters) == stages
