"""Tables and recommendation, compared with the paper and with computations by hand."""

import csv
import io
from pathlib import Path

import pytest
from rich.console import Console

from analysis.findings import Findings, analyse
from analysis.forms.cells import TableInfo, csv_text
from analysis.quantities import decimals_for, energy_text, number_text
from analysis.read.load import load
from analysis.tables.setups import (
    energy_per_epoch_info,
    ranking_info,
    relative_total_info,
    table_infos,
)
from analysis.tables.terminal import show
from study.record.files import J_PER_MWH, MWH, WH
from study.record.vocabulary import EnergyMethod, StopReason, TrialStatus, positional
from tests.analysis.study_folder import Epoch, Trial, constant, epochs_of, grid, write_study

SIZES, RATES = [64, 256, 1024, 4096], [0.1, 0.01, 0.001, 0.0001]

# Table 2 (a) of the paper: PAMAP2 on CUDA, mWh, in the order of Table 1's setups.
PAPER_MWH = """
109.63 110.42 107.50 108.37
42.34 40.20 40.19 38.41
30.84 30.97 30.87 30.81
38.57 37.13 37.44 38.22
"""


def texts(info: TableInfo) -> list[list[str]]:
    """Texts of a table's cells."""
    return [[cell.text for cell in row] for row in info.rows]


def hand_worked(folder: Path, **options: object) -> Findings:
    """Findings of four setups with two repeats; 3.6 J is 1 mWh, 3600 J is 1 Wh.

    Setup 1: 90 % for 7200 J. Setup 2: 89.5 % for 3600 J. Setup 3: 80 % for 1800 J.
    Setup 4: the same accuracy as 1, no energy.
    """
    totals = {1: (7000.0, 7400.0), 2: (3500.0, 3700.0), 3: (1800.0, 1800.0), 4: (None, None)}
    accuracies = {1: 0.90, 2: 0.895, 3: 0.80, 4: 0.90}
    trials = [
        constant(setup, energy, accuracies[setup], seed=seed)
        for setup, energies in totals.items()
        for seed, energy in enumerate(energies)
    ]
    setups = grid([64, 256], [0.1, 0.01])
    return analyse(load(write_study(folder / "hand", setups, trials, **options)))  # type: ignore[arg-type]


def test_table_2_of_the_paper_comes_out_as_printed(tmp_path: Path) -> None:
    """Epochs of the paper's energies, twice each, give its table to the last digit."""
    printed = [line.split() for line in PAPER_MWH.split("\n") if line]
    energies = [float(mwh) * J_PER_MWH for line in printed for mwh in line]
    trials = [
        Trial(setup=n, seed=seed, attempts=[epochs_of([joules] * 3, [0.5, 0.6, 0.7])])
        for n, joules in enumerate(energies, start=1)
        for seed in (0, 1)
    ]

    findings = analyse(load(write_study(tmp_path / "paper", grid(SIZES, RATES), trials)))
    info = energy_per_epoch_info(findings)

    assert [c.heading for c in info.columns[1:]] == ["0.1", "0.01", "0.001", "0.0001"]
    assert texts(info) == [[str(s), *line] for s, line in zip(SIZES, printed, strict=True)]
    assert info.title == "Energy per epoch, mWh"


def test_totals_are_shown_relative_to_the_worst(tmp_path: Path) -> None:
    """7200, 3600 and 1800 J are 100, 50 and 25 %; no energy is a dash, not 0."""
    info = relative_total_info(hand_worked(tmp_path))

    assert texts(info) == [["64", "100.0", "50.0"], ["256", "25.0", "-"]]
    assert info.legend == "- not known"


def test_the_ranking_agrees_with_a_computation_by_hand(tmp_path: Path) -> None:
    """Columns: place, setup, accuracy, Wh and its deviation, difference to best and worst, mark of the front."""
    info = ranking_info(hand_worked(tmp_path))

    shown = [[row[i].text for i in (0, 1, 4, 6, 7, 10, 11, 12)] for row in info.rows]
    assert shown == [
        ["1", "2", "89.5", "1.000", "0.039", "-50 %", "-50 %", "●"],
        ["2", "1", "90.0", "2.000", "0.079", "0 %", "0 %", "●"],
        ["3", "3", "80.0", "0.500", "0.000", "-75 %", "-75 %", "●"],
        ["-", "4", "90.0", "-", "-", "-", "-", ""],
    ]
    assert info.columns[6].heading == "total Wh"


def test_csv_keeps_every_digit_and_leaves_missing_values_empty(tmp_path: Path) -> None:
    """Column names have units; a missing value is neither 0 nor a dash."""
    rows = list(csv.DictReader(csv_text(ranking_info(hand_worked(tmp_path))).splitlines()))

    assert [row["energy_wh"] for row in rows] == ["1.0", "2.0", "0.5", ""]
    assert float(rows[0]["saving_against_best_percent"]) == pytest.approx(50)


def test_the_recommendation_agrees_with_a_computation_by_hand(tmp_path: Path) -> None:
    """It states setup, accuracy, energy with its interval, probability, and one saving."""
    advice = hand_worked(tmp_path).recommendation

    assert advice.setup == 2
    assert advice.text == (
        "Use batch size 64 and learning rate 0.01 (setup 2): 89.5 % accuracy for 1.00 Wh per "
        "training (95 % interval 0.916 to 1.10 Wh). With a probability of over 99 % it is within "
        "1 percentage point of the best accuracy and needs at most 5 % more energy than the cheapest such "
        "setup. It saves 50 % (95 % interval 44 to 55 %) against the most accurate and costliest "
        "(setup 1, 90.0 %)."
    )
    assert advice.caveats == (
        "2 epochs without an energy reading; no total for setup 4.",
        (
            "Accuracies are those of the best epoch on the validation set that chose it: on new data "
            "expect less."
        ),
    )


def test_estimates_and_synthetic_data_are_labelled_in_every_title(tmp_path: Path) -> None:
    """The recommendation and its caveats say so, too."""
    findings = hand_worked(tmp_path, method=EnergyMethod.ESTIMATED, synthetic=True)

    assert all("(estimated; data: synthetic)" in info.title for info in table_infos(findings))
    assert "an estimated 1.00 Wh" in findings.recommendation.text
    caveats = " ".join(findings.recommendation.caveats)
    assert "estimated, not measured" in caveats
    assert "The data are synthetic" in caveats


def test_the_saving_against_the_costliest_has_an_interval(tmp_path: Path) -> None:
    """0.73 mWh against 1.45 mWh; at 90 against 70 %, no other setup is more accurate."""
    trials = [
        constant(setup, joules + seed / 10, accuracy, seed=seed)
        for setup, joules, accuracy in ((1, 2.592, 0.9), (2, 5.184, 0.7))
        for seed in (0, 1)
    ]

    advice = analyse(load(write_study(tmp_path / "a", grid([64], [0.1, 0.01]), trials)))

    assert advice.recommendation.text == (
        "Use batch size 64 and learning rate 0.1 (setup 1): 90.0 % accuracy for 0.734 mWh per "
        "training (95 % interval 0.674 to 0.796 mWh). With a probability of over 99 % it is within "
        "1 percentage point of the best accuracy and needs at most 5 % more energy than the cheapest such "
        "setup. No other setup is more accurate. It saves 50 % (95 % interval 44 to 54 %) against "
        "the costliest (setup 2, 70.0 %)."
    )


def test_caveats_name_what_limits_the_advice(tmp_path: Path) -> None:
    """Among them: unfinished, failed or diverged trials, single repeats, short epochs, accuracy at chance."""
    short = [Epoch(energy_j=5.0, accuracy=0.1, time_s=0.5)]
    trials = [
        Trial(setup=1, seed=0, attempts=[short], stop_reason=StopReason.DIVERGED),
        Trial(setup=2, seed=0, attempts=[short], status=TrialStatus.FAILED, stop_reason=None),
        constant(3, 6.0, 0.15),
    ]
    manifest = {"status": "interrupted", "warnings": ("The board was shared.",)}
    folder = write_study(
        tmp_path / "a",
        grid([1024, 4096], [0.1, 0.01]),
        trials,
        manifest=manifest,
        train_samples=990,
    )

    caveats = " ".join(analyse(load(folder)).recommendation.caveats)

    for words in (
        "The study is interrupted: 2 of 4 trials have finished.",
        "1 trial failed",
        "Setup 1 diverged: the energy used until then is in no total.",
        "Setup 3 has the energy of one training only",
        "67 % of the epochs are shorter than 2 s",
        "No setup is better than always naming the commonest class (20.0 %)",
        "The board was shared.",
        "Batch sizes 1024 and 4096 are the same training",
    ):
        assert words in caveats


@pytest.mark.parametrize(
    ("trials", "reason"),
    [
        ([constant(1, None, 0.9), constant(2, None, 0.8)], "no finished trial has an energy"),
        (
            [
                Trial(
                    setup=1,
                    seed=0,
                    attempts=[epochs_of([1.0], [0.9])],
                    status=TrialStatus.RUNNING,
                    stop_reason=None,
                )
            ],
            "no trial has finished",
        ),
        (
            [constant(1, None, 0.9), constant(2, 1.0, 0.5)],
            "no setup that is accurate enough has an energy",
        ),
    ],
)
def test_without_usable_results_there_is_no_recommendation(
    tmp_path: Path, trials: list[Trial], reason: str
) -> None:
    """The reason is given, and the tables are shown all the same."""
    findings = analyse(load(write_study(tmp_path / "a", grid([64], [0.1, 0.01]), trials)))

    console = Console(width=100, record=True, file=io.StringIO())
    show(findings, console)

    assert findings.recommendation.setup is None
    assert "and  of it" not in console.export_text()
    assert reason in findings.recommendation.text


def test_one_setup_is_its_own_best_and_worst(tmp_path: Path) -> None:
    """It is recommended without a saving against itself."""
    trials = [constant(1, 3600.0, 0.9)]

    findings = analyse(load(write_study(tmp_path / "a", grid([64], [0.1]), trials)))

    assert findings.recommendation.text.endswith(
        "per training. One training of each setup says nothing of chance, so there is neither an "
        "interval nor a probability."
    )


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (positional(0.0001), "0.0001"),
        (positional(3e-05), "0.00003"),
        (energy_text(None, WH), "not known"),
        (energy_text(0.0, WH), "0 Wh"),
        (energy_text(3600.0 * 4.256, WH), "4.26 Wh"),
        (energy_text(0.36, MWH), "0.100 mWh"),
        (energy_text(7200.0, MWH), "2,000 mWh"),
        (energy_text(0.36, WH), "0.000100 Wh"),
        (number_text(-0.0001, 1), "0.0"),
        (number_text(-0.06, 1), "-0.1"),
        (number_text(109.63, decimals_for([109.63, 30.8])), "109.63"),
        (number_text(0.0123, decimals_for([0.0123])), "0.01230"),
        (number_text(0.00001, 2), "<0.01"),
        (number_text(0.0, 2), "0.00"),
        (number_text(None, 2), "-"),
    ],
)
def test_numbers_are_formatted_for_people(shown: str, expected: str) -> None:
    """They have no exponent and only meaningful digits, and no small value is rounded to 0."""
    assert shown == expected
