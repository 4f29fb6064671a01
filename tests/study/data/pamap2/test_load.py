"""Loading of PAMAP2: split by subject, scale of the training subjects, and cache."""

import os
from pathlib import Path

import numpy as np
import pytest

from study.data.pamap2 import format as form
from study.data.pamap2 import load as pamap2
from study.data.pamap2 import sample as pamap2_sample
from study.data.pamap2.windows import WindowOptions
from study.errors import DataError
from study.scenario import Data
from tests.study.data.pamap2.pamap2_files import subject_table, write_folder, write_subject

# 500 rows: four windows of 200 with half overlap.
WINDOWS_PER_SUBJECT = 4


def _load(data_dir: Path, cache_dir: Path) -> Data:
    return pamap2.load(data_dir, cache_dir=cache_dir)


def test_subjects_are_split(tmp_path: Path) -> None:
    """105 is for validation, 106 for the test, and the other seven for training."""
    tables = {s: subject_table(activity=24) for s in form.SUBJECTS}
    tables |= {105: subject_table(activity=1), 106: subject_table(activity=2)}
    write_folder(tmp_path / "data", tables)

    data = _load(tmp_path / "data", tmp_path / "cache")

    assert data.train.inputs.shape == (7 * WINDOWS_PER_SUBJECT, 27, 200)
    assert data.train.inputs.dtype == np.float32
    assert data.test is not None
    names = [data.classes[n] for part in (data.train, data.val, data.test) for n in part.targets]
    expected = ["rope jumping"] * 28 + ["lying"] * 4 + ["sitting"] * 4
    assert names == expected
    assert len(data.classes) == 12


@pytest.mark.slow
def test_training_subjects_alone_set_the_scale(tmp_path: Path) -> None:
    """Training channels have mean 0 and standard deviation 1; a shift of other subjects stays visible."""
    write_folder(tmp_path / "a")
    shifted = {subject: subject_table(offset=1000.0) for subject in (105, 106)}
    write_folder(tmp_path / "b", shifted)

    usual = _load(tmp_path / "a", tmp_path / "cache")
    other = _load(tmp_path / "b", tmp_path / "cache")

    inputs = usual.train.inputs.astype(np.float64)
    np.testing.assert_allclose(inputs.mean(axis=(0, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(inputs.std(axis=(0, 2)), 1, rtol=1e-4)
    np.testing.assert_array_equal(usual.train.inputs, other.train.inputs)
    rows = np.concatenate([np.arange(n, n + 200) for n in (0, 100, 200, 300)]) / 1000
    expected = 1000 / rows.std()
    shift = other.val.inputs.mean(axis=(0, 2)) - usual.val.inputs.mean(axis=(0, 2))
    np.testing.assert_allclose(shift, expected, rtol=1e-3)


def test_a_channel_that_never_changes_stays_finite(tmp_path: Path) -> None:
    """Its standard deviation of 0 does not become a divisor."""
    table = subject_table()
    table[:, 4] = 5.0
    write_folder(tmp_path / "data", dict.fromkeys(form.SUBJECTS, table))

    data = _load(tmp_path / "data", tmp_path / "cache")

    assert (data.train.inputs[:, 0] == 0).all()


def test_transient_rows_and_other_activities_are_discarded(tmp_path: Path) -> None:
    """Activity 0 and activities outside the protocol give no window."""
    table = subject_table(900)
    table[:300, 1] = 0
    table[300:600, 1] = 9
    write_folder(tmp_path / "data", {105: table})

    data = _load(tmp_path / "data", tmp_path / "cache")

    assert len(data.val) == 2


def test_the_cache_avoids_reading(tmp_path: Path) -> None:
    """If size and time of the files are unchanged, the second load does not read them."""
    write_folder(tmp_path / "data")
    first = _load(tmp_path / "data", tmp_path / "cache")
    path = tmp_path / "data" / "Protocol" / "subject101.dat"
    facts = path.stat()
    path.write_bytes(b"x" * facts.st_size)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))

    second = _load(tmp_path / "data", tmp_path / "cache")

    assert first.facts() == second.facts()


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    """Changed content, with its time of change, leads to other arrays."""
    write_folder(tmp_path / "data")
    before = _load(tmp_path / "data", tmp_path / "cache")
    path = tmp_path / "data" / "Protocol" / "subject105.dat"
    write_subject(path, subject_table(activity=7))

    after = _load(tmp_path / "data", tmp_path / "cache")

    assert {before.classes[n] for n in before.val.targets} == {"walking"}
    assert {after.classes[n] for n in after.val.targets} == {"Nordic walking"}


def test_a_damaged_cache_is_replaced(tmp_path: Path) -> None:
    """The data are read again, and a good cache is written."""
    write_folder(tmp_path / "data")
    first = _load(tmp_path / "data", tmp_path / "cache")
    (cached,) = (tmp_path / "cache").iterdir()
    good = cached.read_bytes()
    cached.write_bytes(good[:1000])

    second = _load(tmp_path / "data", tmp_path / "cache")

    assert first.facts() == second.facts()
    assert cached.read_bytes() == good


@pytest.mark.slow
def test_options_have_caches_of_their_own(tmp_path: Path) -> None:
    """Another window length is not loaded from the cache of the first."""
    write_folder(tmp_path / "data")
    _load(tmp_path / "data", tmp_path / "cache")

    data = pamap2.load(
        tmp_path / "data",
        options=WindowOptions(window_samples=100, step_samples=50),
        cache_dir=tmp_path / "cache",
    )

    assert data.train.inputs.shape == (7 * 9, 27, 100)


@pytest.mark.slow
def test_missing_files_are_all_named(tmp_path: Path) -> None:
    """The message has the path of each missing file, and how to get it."""
    write_folder(tmp_path)
    for name in ("subject103.dat", "subject109.dat"):
        (tmp_path / "Protocol" / name).unlink()

    with pytest.raises(DataError) as caught:
        _load(tmp_path, tmp_path / "cache")

    lines = str(caught.value).splitlines()
    assert [line.split(":")[0][-14:] for line in lines] == ["subject103.dat", "subject109.dat"]
    assert "study.data get pamap2" in lines[0]


@pytest.mark.slow
def test_a_malformed_file_stops_the_loading(tmp_path: Path) -> None:
    """The reader's message has path and line, and nothing is cached."""
    write_folder(tmp_path)
    path = tmp_path / "Protocol" / "subject104.dat"
    path.write_text(path.read_text().replace("\n", "\n1 2 3\n", 1))

    with pytest.raises(DataError, match=r"subject104\.dat, line 2: 3 columns instead of 54"):
        _load(tmp_path, tmp_path / "cache")

    assert not (tmp_path / "cache").exists()


def test_a_part_without_windows_is_refused(tmp_path: Path) -> None:
    """The message names the file of a validation subject whose activities are too short."""
    write_folder(tmp_path, {105: subject_table(150)})

    with pytest.raises(DataError, match=r"no window of 200 rows .* in subject105\.dat"):
        _load(tmp_path, tmp_path / "cache")


def test_the_marker_makes_it_synthetic(tmp_path: Path) -> None:
    """A folder is synthetic if and only if it has the marker, and the description says so."""
    write_folder(tmp_path / "data")
    real = _load(tmp_path / "data", tmp_path / "cache")
    (tmp_path / "data" / form.SYNTHETIC_MARKER).write_text("")

    made = _load(tmp_path / "data", tmp_path / "cache")

    assert (real.synthetic, made.synthetic) == (False, True)
    assert made.description.startswith("synthetic data")
    assert "synthetic" not in real.description


@pytest.mark.slow
def test_the_built_in_sample_is_written_once(tmp_path: Path) -> None:
    """It goes through the real reader, says that it is synthetic, and is kept for the next time."""
    first = pamap2.load_sample(cache_dir=tmp_path)
    folder = tmp_path / f"pamap2-sample-{pamap2_sample.GENERATOR_VERSION}"
    written = (folder / "Protocol" / "subject101.dat").stat().st_mtime_ns

    second = pamap2.load_sample(cache_dir=tmp_path)

    assert first.synthetic
    assert 1000 <= len(first.train) <= 2500
    assert set(first.val.targets.tolist()) == set(range(12))
    assert first.facts() == second.facts()
    assert (folder / "Protocol" / "subject101.dat").stat().st_mtime_ns == written
    assert not list(tmp_path.glob("*.part"))
