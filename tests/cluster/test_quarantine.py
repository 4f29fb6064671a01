"""A machine of a cluster that fails every trial at once."""

from collections.abc import Iterator

import pandas as pd
import pytest

from tests.cluster.machines import Machines, driver
from tests.end_to_end.held import SICK

pytestmark = pytest.mark.ray

RATES = ("0.1", "0.05", "0.01", "0.005", "0.001", "0.0005")
OPTIONS = (
    *("--batch-sizes", "128", "--learning-rates", *RATES),
    *("--max-epochs", "2", "--patience", "2"),
)


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Two machines, the second of which is sick."""
    two = Machines(tmp_path_factory.mktemp("machines"))
    two.add(**{SICK: "1"})
    yield two
    two.cluster.shutdown()  # type: ignore[no-untyped-call]


def test_a_sick_machine_takes_no_more_trials(
    machines: Machines, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Its trials go to the other machine, all have their result, and it is said once."""
    results = tmp_path_factory.mktemp("results")
    with driver(machines, results, "sick", *OPTIONS) as study:
        status = study.ends()

    trials = pd.read_parquet(study.folder / "trials.parquet")
    epochs = pd.read_parquet(study.folder / "epochs.parquet")
    assert status == 0, study.lines
    assert set(trials["status"]) == {"finished"}
    assert len(trials) == len(RATES)
    assert sum(line.startswith("quarantine:") for line in study.lines) == 1
    assert (epochs["stop_reason"] == "error").sum() == 3
    assert not epochs.duplicated(["trial_id", "attempt", "stage", "epoch"]).any()
