"""Data and scenarios: their facts, and what is refused before a training starts."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from study.errors import DataError, ScenarioError
from study.scenario import Arrays, Data, objective_of
from tests.study import tiny

POINTS = np.zeros((4, 2), dtype=np.float32)
CLASSES = np.zeros(4, dtype=np.int64)


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (POINTS, CLASSES[:3], "4 inputs and 3 targets"),
        (POINTS[:0], CLASSES[:0], "0 inputs and 0 targets"),
        (
            POINTS.astype(np.float64),
            CLASSES,
            "inputs are float64; allowed: float32 or uint8 or int64",
        ),
        (
            POINTS,
            CLASSES.astype(np.float64),
            r"targets are float64; .* targets.astype\('float32'\)",
        ),
        (POINTS, CLASSES.astype(np.int32), r"targets are int32; .* targets.astype\('int64'\)"),
        (
            POINTS,
            np.array([*"abca"]),
            r"targets are str32; .*numpy.unique\(targets, return_inverse",
        ),
        (
            torch.tensor(POINTS),
            CLASSES,
            r"inputs are a Tensor; .* array of numpy.*inputs.numpy\(\)",
        ),
        (POINTS, CLASSES.tolist(), r"targets are a list; .*numpy.asarray\(targets\)"),
    ],
)
def test_arrays_that_cannot_be_trained_on_are_refused(
    inputs: Any,  # noqa: ANN401 - what a user may give
    targets: Any,  # noqa: ANN401 - likewise
    message: str,
) -> None:
    """They are refused once, when `Arrays` is created, and not in every trial."""
    with pytest.raises(ValueError, match=message):
        Arrays(inputs=inputs, targets=targets)


def test_facts_of_data() -> None:
    """The facts are sizes, classes, and the accuracy of always choosing the commonest validation class."""
    val = Arrays(inputs=POINTS, targets=np.array([2, 1, 1, 0]))
    data = dataclasses.replace(tiny.data(train=24), val=val)

    facts = data.facts()

    assert (facts.train_samples, facts.val_samples, facts.synthetic) == (24, 4, True)
    assert (facts.classes, facts.description) == (("a", "b", "c"), "points")
    assert facts.chance_accuracy == 0.5


def test_targets_may_have_several_columns() -> None:
    """The first has the class numbers, from which the chance accuracy is computed."""
    targets = np.array([[2, 7], [1, 7], [1, 8], [0, 7]])
    val = Arrays(inputs=POINTS, targets=targets)
    data = dataclasses.replace(tiny.data(), val=val)

    facts = data.facts()

    assert val.labels.tolist() == [2, 1, 1, 0]
    assert facts.chance_accuracy == 0.5


def test_the_fingerprint_includes_weights() -> None:
    """Weights with another value, another name or none give another fingerprint; their order does not matter."""
    one, two = np.ones(3, np.float32), np.zeros((2, 2), np.float32)
    data = tiny.data()
    choices: list[dict[str, npt.NDArray[np.float32]] | None] = [
        None,
        {"a": one, "b": two},
        {"a": one + 1, "b": two},
        {"a": one, "c": two},
    ]

    different = {dataclasses.replace(data, weights=w).facts().fingerprint for w in choices}
    reordered = dataclasses.replace(data, weights={"b": two, "a": one}).facts().fingerprint

    assert len(different) == 4
    assert reordered in different


@pytest.mark.parametrize(("label", "part"), [(3, "train"), (-1, "val"), (3, "test")])
def test_a_label_without_a_class_is_refused(label: int, part: str) -> None:
    """It is refused when `Data` is created; the message names the part and the range."""
    data = tiny.data(classes=3)
    arrays = data.train
    wrong = Arrays(inputs=arrays.inputs, targets=np.full_like(arrays.targets, label))

    parts: dict[str, Any] = {part: wrong}

    with pytest.raises(DataError, match=f"labels of {part} go from {label} to {label}.*0 to 2"):
        dataclasses.replace(data, **parts)


def changed(data: Data) -> list[Data]:
    """Copies of data, each with one change."""
    train, val = data.train, data.val
    other = train.inputs.copy()
    other[3, 1] += 1
    turned = np.roll(train.targets, 1)
    return [
        dataclasses.replace(data, train=Arrays(inputs=other, targets=train.targets)),
        dataclasses.replace(data, train=Arrays(inputs=train.inputs, targets=turned)),
        dataclasses.replace(data, train=val, val=train),
        dataclasses.replace(data, test=val),
        dataclasses.replace(
            data,
            train=Arrays(inputs=train.inputs.reshape(-1, 1, 3), targets=train.targets),
        ),
    ]


def test_the_fingerprint_depends_on_the_arrays_alone() -> None:
    """Equal arrays have equal fingerprints; another value, order, shape or split gives another."""
    data = tiny.data()
    same = dataclasses.replace(
        tiny.data(),
        train=Arrays(
            inputs=np.asfortranarray(data.train.inputs), targets=data.train.targets.copy()
        ),
        description="renamed",
    )

    others = [each.facts().fingerprint for each in changed(data)]

    assert data.facts().fingerprint == same.facts().fingerprint
    assert len({data.facts().fingerprint, *others}) == 6


def test_targets_may_be_floats() -> None:
    """Data without classes have no chance accuracy."""
    numbers = Arrays(inputs=POINTS, targets=np.linspace(0, 1, 4, dtype=np.float32))

    facts = Data(train=numbers, val=numbers, synthetic=True, description="numbers").facts()

    assert (facts.classes, facts.chance_accuracy) == ((), None)


class Squares:
    """A map-style data set."""

    def __len__(self) -> int:
        """Number of samples."""
        return 10

    def __getitem__(self, place: int) -> tuple[int, int]:
        """A number and its square."""
        return place, place**2


def test_a_data_set_must_name_its_fingerprint() -> None:
    """Its content is not read beforehand, so the given name decides; objects that are no data sets are refused."""
    squares = Squares()

    def fingerprint_of(name: str | None) -> str:
        data = Data(
            train=squares, val=squares, synthetic=True, description="squares", fingerprint=name
        )
        return data.facts().fingerprint

    with pytest.raises(DataError, match=r"train is a Squares, .* give Data a fingerprint"):
        fingerprint_of(None)
    with pytest.raises(DataError, match="train is a set without samples by index"):
        Data(train={1}, val=squares, synthetic=True, description="a set", fingerprint="1")
    with pytest.raises(
        DataError, match=r"^val is a list without samples; there must be at least one"
    ):
        Data(train=squares, val=[], synthetic=True, description="", fingerprint="1")
    assert fingerprint_of("1") == fingerprint_of("1") != fingerprint_of("2")


def test_an_objective_of_another_type_is_refused() -> None:
    """A name alone does not say whether more or less is better."""
    scenario = tiny.Tiny()
    assert objective_of(scenario).name == "accuracy"
    scenario.objective = "rmse"  # type: ignore[attr-defined]

    with pytest.raises(ScenarioError, match=r"its objective is 'rmse'; allowed: study\.Objective"):
        objective_of(scenario)


def test_all_faults_of_arrays_are_reported_at_once() -> None:
    """One message has the number of samples and both types."""
    with pytest.raises(
        ValueError, match=r"3 inputs and 2 targets.*inputs are float64.*targets are"
    ):
        Arrays(inputs=np.zeros((3, 2)), targets=np.zeros(2, bool))


def test_labels_of_all_parts_are_checked() -> None:
    """The message has a paragraph for each part."""
    part = Arrays(inputs=np.zeros((2, 1), np.float32), targets=np.array([0, 5]))

    with pytest.raises(DataError) as refused:
        Data(train=part, val=part, classes=("a", "b"), synthetic=True, description="")

    one, two = str(refused.value).split("\n\n")
    assert one.startswith("the labels of train go from 0 to 5")
    assert two.startswith("the labels of val go from 0 to 5")


class Rows:
    """A data set that holds an object, such as an array or another data set."""

    def __init__(self, held: object) -> None:
        """Hold an object."""
        self.held = held

    def __len__(self) -> int:
        """Number of samples."""
        return 2

    def __getitem__(self, place: int) -> int:
        """The sample's index."""
        return place


def test_a_data_set_that_holds_a_large_open_file_is_refused(tmp_path: Path) -> None:
    """It is refused however deep the file is nested; a small file, or the path of a large one, is allowed."""
    paths = tmp_path / "large.npy", tmp_path / "small.npy"
    large, small = (
        np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(count,))
        for path, count in zip(paths, (2**26 + 1, 8), strict=True)
    )

    def data(held: object) -> Data:
        part = Rows(held)
        return Data(train=part, val=part, synthetic=True, description="", fingerprint="1")

    data(small)
    data(str(paths[0]))
    for held in (large, Rows(large), [Rows(large)]):
        with pytest.raises(
            DataError, match=r"an open file of 0.1 GB \(numpy.memmap\), which would"
        ):
            data(held)


def test_data_without_validation_are_refused() -> None:
    """Early stopping and scores need them."""
    with pytest.raises(DataError, match="val is a NoneType without a length; allowed: Arrays"):
        Data(train=Arrays(inputs=POINTS, targets=CLASSES), val=None, synthetic=True, description="")
