"""Recording of the table on which searches are replayed: the paper's 16 setups on the smartwatch data.

The study is run with the project's own command, `python -m study.regime`; its options are in the manifest
beside the table. Kept are the manifest and the columns of `epochs.parquet` that a replay needs, as CSV, so
that changes of the table can be read in a diff.

    python -m benchmarks.record_table [--repeats 5] [--tracker auto]

For a table of few long epochs, with validations within them:

    python -m benchmarks.record_table --max-epochs 3 --validate-every 0.1 --batch-sizes 8 32 128 \
        --learning-rates 0.01 0.001 0.0001 --repeats 2 --table benchmarks/data/few_epochs
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import tyro

from study.record.files import EPOCHS_FILE, MANIFEST_FILE

ROOT = Path(__file__).parent.parent
FOLDER = Path(__file__).parent / "data" / "watch16"
NAME = "watch16"
COLUMNS = (
    "batch_size",
    "learning_rate",
    "seed",
    "epoch",
    "val_score",
    "epoch_energy_j",
    "epoch_time_s",
    "energy_method",
    "stop_reason",
)
DIGITS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Record the 16 setups on the smartwatch data.

    Attributes:
        repeats: Number of seeds of each setup.
        max_epochs: Largest number of epochs of a training.
        batch_sizes: Batch sizes of the grid; left out: the paper's.
        learning_rates: Learning rates of the grid; left out: the paper's.
        validate_every: As in `python -m study.regime`; left out: once per epoch.
        tracker: As in `python -m study.regime`.
        results_dir: Folder of the study's results, in which an interrupted study is resumed; left out: a
            new temporary folder.
        table: Folder for the table.
    """

    repeats: int = 5
    max_epochs: int = 30
    batch_sizes: tuple[int, ...] = ()
    learning_rates: tuple[float, ...] = ()
    validate_every: float | None = None
    tracker: str = "auto"
    results_dir: Path | None = None
    table: Path = FOLDER


def main() -> None:
    """Run the study and save its table."""
    options = tyro.cli(Options)
    results = options.results_dir or Path(tempfile.mkdtemp(prefix="record-table-"))
    arguments = [
        *("--scenario", "watch"),
        *("--repeats", str(options.repeats), "--max-epochs", str(options.max_epochs)),
        *_given("--batch-sizes", options.batch_sizes),
        *_given("--learning-rates", options.learning_rates),
        *_given("--validate-every", (options.validate_every,) if options.validate_every else ()),
        *("--tracker", options.tracker, "--results-dir", str(results), "--name", NAME),
        *(["--resume"] if (results / NAME / MANIFEST_FILE).exists() else []),
    ]
    subprocess.run([sys.executable, "-m", "study.regime", *arguments], check=True, cwd=ROOT)
    options.table.mkdir(parents=True, exist_ok=True)
    rows = pd.read_parquet(results / NAME / EPOCHS_FILE)
    last = rows.groupby(["batch_size", "learning_rate", "seed"])["attempt"].transform("max")
    kept = rows[rows["attempt"] == last][list(COLUMNS)]
    kept.sort_values(list(COLUMNS[:4])).round(DIGITS).to_csv(
        options.table / "epochs.csv", index=False
    )
    manifest = (results / NAME / MANIFEST_FILE).read_text().replace(str(results), "results")
    (options.table / MANIFEST_FILE).write_text(manifest)
    print(f"{len(kept)} epochs in {options.table}")


def _given(option: str, values: Sequence[float]) -> list[str]:
    """Return an option with its values as arguments; none if there are no values."""
    return [option, *(f"{each:g}" for each in values)] if values else []


if __name__ == "__main__":
    main()
