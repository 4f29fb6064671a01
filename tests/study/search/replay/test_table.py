"""Reading tables of recorded trainings."""

import dataclasses
import math
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.search.synthetic_table import synthetic_rows
from study.errors import OptionError
from study.record.objective import Objective
from study.record.search.goal import SearchGoal
from study.search.proposals import Proposer
from study.search.replay.table import NEEDED, read_table, table_of
from tests.study.record.test_manifest import MANIFEST
from tests.study.replayed import four_setups, rows_of

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("column", NEEDED)
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    """The error lists all needed columns."""
    path = tmp_path / "table.csv"
    rows_of({(8, 0.1): [([0.5], 1.0)]}).drop(columns=column).to_csv(path, index=False)

    with pytest.raises(OptionError, match=f"no column {column}"):
        read_table(path)


@pytest.mark.parametrize("column", ["epoch_time_s", "setup_energy_j"])
def test_words_in_a_column_of_numbers_are_refused(tmp_path: Path, column: str) -> None:
    """The message names column and word."""
    path = tmp_path / "table.csv"
    rows = rows_of({(8, 0.1): [([0.5, 0.6], 1.0)]})
    rows.assign(**{column: ["1", "quick"]}).to_csv(path, index=False)

    with pytest.raises(OptionError, match=f"{column} holds 'quick'"):
        read_table(path)


@pytest.mark.parametrize("column", ["epoch_energy_j", "setup_energy_j"])
def test_negative_energies_are_refused(tmp_path: Path, column: str) -> None:
    """This holds for epochs and for set-up."""
    path = tmp_path / "table.csv"
    rows = rows_of({(8, 0.1): [([0.5, 0.6], 1.0)]})
    rows.assign(**{column: [1.0, -1.0]}).to_csv(path, index=False)

    with pytest.raises(OptionError, match="negative energy"):
        read_table(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """The error says that it cannot be read."""
    with pytest.raises(OptionError, match=r"cannot be read"):
        read_table(tmp_path / "none.csv")


def test_an_unreachable_target_is_refused_with_the_best_score() -> None:
    """The user can then choose another target."""
    with pytest.raises(OptionError, match=r"best epoch of all has 0\.900"):
        four_setups().energy_to_target_j(0.95)


def test_energy_to_target_ends_with_the_first_epoch_that_reaches_it() -> None:
    """A setup that never reaches it has none."""
    found = four_setups().energy_to_target_j(0.9)

    assert found == {(64, 0.01): 4.0, (256, 0.1): 12.0, (256, 0.01): 8.0}


def test_further_columns_become_axes() -> None:
    """A column of optimizers is a third axis."""
    rows = rows_of({(8, 0.1): [([0.5], 1.0)]})
    both = [rows.assign(optimizer=name) for name in ("adam", "sgd")]

    table = table_of(pd.concat(both), name="two")

    assert [axis.name for axis in table.space.axes] == ["batch_size", "learning_rate", "optimizer"]
    assert len(table.recordings) == 2


def test_a_duplicate_epoch_is_refused() -> None:
    """Otherwise, rows of a study that is in the table twice would count double."""
    rows = rows_of({(8, 0.1): [([0.5], 1.0)]})

    with pytest.raises(OptionError, match="twice"):
        table_of(pd.concat([rows, rows]), name="two")


def test_the_committed_table_is_a_complete_grid() -> None:
    """It has 16 setups with five seeds each, and is labelled as an estimate."""
    table = read_table(ROOT / "benchmarks" / "data" / "watch16")

    assert table.space.size == len(table.recordings) == 16
    assert {len(many) for many in table.recordings.values()} == {5}
    assert table.estimated
    assert not table.synthetic


def test_a_synthetic_table_is_labelled() -> None:
    """It has every setup of the requested grid."""
    table = table_of(synthetic_rows(batch_sizes=4, learning_rates=3, seeds=2), name="made")

    assert table.synthetic
    assert len(table.recordings) == 12


def test_a_measured_column_is_no_axis() -> None:
    """It changes within a training, unlike a parameter that the user chose."""
    rows = rows_of({(8, 0.1): [([0.5, 0.6, 0.7], 1.0)], (8, 0.2): [([0.5, 0.6], 1.0)]})
    both = [rows.assign(momentum=each, celsius=[50, 51, 52, 50, 51]) for each in (0.5, 0.9)]

    table = table_of(pd.concat(both), name="own")

    assert [axis.name for axis in table.space.axes] == ["batch_size", "learning_rate", "momentum"]
    assert len(table.recordings) == 4


def test_parameters_of_a_study_are_axes() -> None:
    """They are read from one column of JSON."""
    rows = rows_of({(8, 0.1): [([0.5], 1.0)]})
    both = [rows.assign(parameters=f'{{"frozen": {each}}}') for each in ("true", "false")]

    table = table_of(pd.concat(both), name="two")

    assert sorted(table.recordings) == [(8, 0.1, False), (8, 0.1, True)]


def test_an_axis_without_a_value_is_refused() -> None:
    """The row would belong to no setup."""
    rows = rows_of({(8, 0.1): [([0.5], 1.0)], (8, 0.2): [([0.5], 1.0)]})

    with pytest.raises(OptionError, match="optimizer is empty in a row"):
        table_of(rows.assign(optimizer=pd.Series(["adam", None], dtype="object")), name="gap")


def test_the_set_up_energy_of_a_study_is_read_with_its_table(tmp_path: Path) -> None:
    """It comes from trials.parquet beside epochs.parquet, with the energy between epochs."""
    rows = rows_of({(8, 0.1): [([0.5, 0.6], 1.0)]}).assign(trial_id="a")
    rows.to_parquet(tmp_path / "epochs.parquet")
    trials = {"trial_id": ["a"], "setup_energy_j": [4.0], "between_energy_j": [0.5]}
    pd.DataFrame(trials).to_parquet(tmp_path / "trials.parquet")

    table = read_table(tmp_path)

    assert table.recordings[8, 0.1][0].overhead_j == 4.5
    assert table.grid_j == 6.5


def test_only_recorded_setups_are_proposed() -> None:
    """Two of four combinations were recorded; the others are not setups of the table."""
    table = table_of(rows_of({(8, 0.1): [([0.5], 1.0)], (16, 0.2): [([0.5], 1.0)]}), name="two")

    proposer = Proposer(table.space, goal=SearchGoal.ACCURACY, sampler="random", seed=0)

    proposed = [each.choice for each in iter(proposer.next, None)]
    assert table.space.size == 2
    assert sorted(proposed) == [(8, 0.1), (16, 0.2)]


def test_a_column_of_power_limits_is_a_cost_only_axis() -> None:
    """This applies to a table of somebody else, with a column of its own for the limit."""
    rows = rows_of({(8, 0.1): [([0.5], 1.0)]})

    table = table_of(
        pd.concat([rows.assign(power_limit_w=watts) for watts in (100, 200)]), name="limits"
    )

    assert [(axis.name, axis.cost_only) for axis in table.space.axes] == [
        ("batch_size", False),
        ("learning_rate", False),
        ("power_limit_w", True),
    ]


def test_a_power_limit_reported_by_a_board_is_no_axis() -> None:
    """In a study of ours, the limit is an axis only if it is a parameter of the setups."""
    rows = rows_of({(8, 0.1): [([0.5], 1.0), ([0.6], 1.0)]})
    rows["trial_id"] = [f"t{seed}" for seed in rows["seed"]]

    reported = table_of(rows.assign(power_limit_w=range(len(rows))), name="reported")
    chosen = table_of(
        pd.concat(
            rows.assign(
                trial_id=f"setup{watts}",
                power_limit_w=None,
                parameters=f'{{"power_limit_w": {watts}}}',
            )
            for watts in (100, 200)
        ),
        name="chosen",
    )

    assert [axis.name for axis in reported.space.axes] == ["batch_size", "learning_rate"]
    assert set(chosen.recordings) == {(8, 0.1, 100), (8, 0.1, 200)}


def test_the_best_of_negative_scores_is_named() -> None:
    """R^2 and log-likelihoods may be negative; an epoch without a score does not count as 0."""
    table = table_of(rows_of({(8, 0.1): [([-0.9, math.nan, -0.25], 1.0)]}), name="negative")

    with pytest.raises(OptionError, match=r"best epoch of all has -0\.250"):
        table.energy_to_target_j(0.5)


def test_a_study_with_an_objective_to_minimise_is_refused(tmp_path: Path) -> None:
    """A replay takes the largest score as the best."""
    rows_of({(8, 0.1): [([0.9, 0.2], 1.0)]}).to_csv(tmp_path / "epochs.csv", index=False)
    smallest = dataclasses.replace(MANIFEST, objective=Objective("rmse", "min"))
    (tmp_path / "study.json").write_text(smallest.to_json())

    with pytest.raises(OptionError, match="its objective rmse is to be small"):
        read_table(tmp_path)


@pytest.mark.parametrize("above", ["seed=3", "epoch=first"])
def test_a_folder_named_like_a_partition_is_no_column(tmp_path: Path, above: str) -> None:
    """Only the file's own columns count."""
    (tmp_path / above).mkdir()
    path = tmp_path / above / "table.parquet"
    rows_of({(8, 0.1): [([0.5], 1.0)]}).to_parquet(path)

    assert read_table(path).longest == 1


def test_a_damaged_file_beside_the_table_is_refused(tmp_path: Path) -> None:
    """The error says that it cannot be read."""
    rows_of({(8, 0.1): [([0.5], 1.0)]}).to_parquet(tmp_path / "epochs.parquet")
    (tmp_path / "trials.parquet").write_bytes(b"PAR1")

    with pytest.raises(OptionError, match="cannot be read"):
        read_table(tmp_path)


def exported(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the columns that `python -m analysis export` adds."""
    trial = rows["seed"].astype(str) + rows["batch_size"].astype(str)
    return rows.assign(
        trial_id=trial,
        counts=True,
        trial_energy_j=trial.map({each: 1.5 * place for place, each in enumerate(sorted(trial))}),
        trial_setup_energy_j=0.25,
        val_metric_accuracy=rows["val_score"],
        parameter_precision=["bf16" if each == 8 else "fp32" for each in rows["batch_size"]],
        study_objective="accuracy",
        study_objective_mode="max",
        study_git_commit=None,
    )


def test_an_export_is_read_like_its_study(tmp_path: Path) -> None:
    """Results of trials are not axes; parameters are, under their own names."""
    rows = rows_of({(8, 0.1): [([0.5], 1.0), ([0.6], 2.0)], (16, 0.1): [([0.7], 1.0)]})
    exported(rows).to_csv(tmp_path / "all.csv", index=False)

    table = read_table(tmp_path / "all.csv")

    assert {each.name for each in table.space.axes} == {"batch_size", "learning_rate", "precision"}
    assert sorted(map(len, table.recordings.values())) == [1, 2]
    assert {one.overhead_j for many in table.recordings.values() for one in many} == {0.25}


def test_an_export_with_an_objective_to_minimise_is_refused(tmp_path: Path) -> None:
    """Its study would be refused, too."""
    rows = rows_of({(8, 0.1): [([0.5], 1.0)]})
    exported(rows).assign(study_objective_mode="min").to_csv(tmp_path / "all.csv", index=False)

    with pytest.raises(OptionError, match="its objective accuracy is to be small"):
        read_table(tmp_path / "all.csv")


def test_an_export_of_several_objectives_is_refused(tmp_path: Path) -> None:
    """Their scores cannot be compared; rows with one objective are read."""
    rows = exported(rows_of({(8, 0.1): [([0.5], 1.0)], (16, 0.1): [([3.0], 1.0)]}))
    of_two = rows.assign(
        study_objective=["iou", "likelihood"], study_objective_is_share=[True, False]
    )
    of_two.to_csv(tmp_path / "all.csv", index=False)
    of_two.iloc[:1].to_csv(tmp_path / "one.csv", index=False)

    with pytest.raises(
        OptionError, match=r"several objectives, iou \(max\) and likelihood \(max\)"
    ):
        read_table(tmp_path / "all.csv")
    assert read_table(tmp_path / "one.csv").objective == Objective("iou", is_share=True)
