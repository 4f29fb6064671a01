"""Studies whose setups lack a batch size, a learning rate or both."""

import re
from itertools import product
from pathlib import Path

import pytest

from analysis.__main__ import Options, run
from analysis.findings import Findings, analyse
from analysis.read.load import load
from analysis.tables.comparison import comparison_infos
from study.record.manifest import SetupFacts
from tests.analysis.study_folder import Trial, epochs_of, write_study

DEPTHS, DROPOUTS = (2, 8), (0.1, 0.5)
GIVEN = {
    "neither": (None, None),
    "a batch size": (64, None),
    "a learning rate": (None, 0.001),
}


def study_of(folder: Path, batch_size: int | None, learning_rate: float | None) -> Path:
    """Write a study of four setups of other axes, with three repeats; the first is the cheapest."""
    setups = tuple(
        SetupFacts(
            setup=number,
            batch_size=batch_size,
            learning_rate=learning_rate,
            parameters={"depth": depth, "dropout": dropout},
        )
        for number, (depth, dropout) in enumerate(product(DEPTHS, DROPOUTS), start=1)
    )
    trials = [
        Trial(
            setup=each.setup,
            seed=seed,
            attempts=[epochs_of([100.0 * each.setup * (1 + seed / 100)] * 3, [0.5, 0.8, 0.9])],
        )
        for each in setups
        for seed in range(3)
    ]
    return write_study(folder, setups, trials)


@pytest.fixture(params=GIVEN, ids=str)
def findings(request: pytest.FixtureRequest, tmp_path: Path) -> Findings:
    """Findings of such a study."""
    return analyse(load(study_of(tmp_path / "a", *GIVEN[request.param])))


def test_advice_names_only_axes_that_were_set(findings: Findings) -> None:
    """The text names only axes that the study varies or sets."""
    setup = findings.setups[0]
    named = {"batch size 64": setup.batch_size, "learning rate 0.001": setup.learning_rate}

    text = findings.recommendation.text

    assert "depth 2, dropout 0.1" in text
    assert all((words in text) == (value is not None) for words, value in named.items())
    assert bool(re.search("batch size|learning rate", text)) == any(named.values())


@pytest.mark.slow
def test_tables_have_no_column_for_axes_that_were_not_set(findings: Findings) -> None:
    """This holds for the report's tables and for a comparison of studies; neither prints None."""
    setup = findings.setups[0]
    (compared, *_) = comparison_infos([findings, findings])

    run(Options(results=(findings.study.path,), factors=True))

    report = findings.study.path / "report"
    heading = (report / "ranking.csv").read_text().splitlines()[0].split(",")
    assert ("batch_size" in heading) == (setup.batch_size is not None)
    assert ("learning_rate" in heading) == (setup.learning_rate is not None)
    assert "None" not in re.sub("<script.*?</script>", "", (report / "index.html").read_text())
    assert all("None" not in cell.text for row in compared.rows for cell in row)
