"""`python -m study.regime --scenario celeba`, from a folder of images to results."""

import re
from pathlib import Path

import pandas as pd
import pytest
import torch

from models.vision import backbone
from study.data.celeba import format as celeba_format
from study.data.celeba.sample import write_sample
from study.record.manifest import Manifest
from tests.end_to_end.conftest import BARE, run_here
from tests.study.data.celeba.celeba_files import write_folder

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("one_slot")]

SMALL = ("--scenario", "celeba", "--encoder", "test_resnet", "--image-size", "32")


@pytest.fixture(autouse=True)
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a cache folder that no other test shares."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_faces_are_trained_on_with_weights_of_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Encoder, weights and flipping reach the trials, and the manifest says what was trained on."""
    write_sample(tmp_path / "faces", images=6)
    torch.save(backbone("test_resnet", image_size=32).state_dict(), tmp_path / "mine.pth")

    status, folder = run_here(
        tmp_path / "results",
        *SMALL,
        *BARE,
        *("--data-dir", str(tmp_path / "faces"), "--weights", str(tmp_path / "mine.pth"), "--flip"),
        *("--batch-sizes", "32", "1024", "--learning-rates", "0.003", "--repeats", "1"),
        *("--max-epochs", "2"),
    )

    assert status == 0
    manifest = Manifest.from_json((folder / "study.json").read_text())
    epochs = pd.read_parquet(folder / "epochs.parquet")
    assert manifest.data.synthetic
    assert manifest.encoder_weights == "test_resnet from mine.pth"
    assert len(manifest.data.classes) == 40
    assert manifest.data.chance_accuracy == 1 / 40
    assert len(epochs) == 4
    assert epochs["val_score"].notna().all()
    # A batch size above the number of images means all of them in one batch.
    assert set(epochs["effective_batch_size"]) == {32, manifest.data.train_samples}
    assert re.search(r"^  data +synthetic", capsys.readouterr().out, flags=re.MULTILINE)


def test_a_damaged_image_ends_the_study_before_its_first_trial(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit status is 2, the message names the file, and no results are written."""
    folder = write_folder(tmp_path / "data")
    damaged = folder / celeba_format.IMAGE_FOLDER / "000042.jpg"
    damaged.write_bytes(damaged.read_bytes()[:500])

    status, study = run_here(
        tmp_path / "results", *SMALL, "--data-dir", str(folder), "--weights", "none"
    )

    assert status == 2
    err = capsys.readouterr().err
    assert f"study.regime: {damaged}: no image, or a damaged one" in err
    assert not (study / "study.json").exists()
