"""What of the working folder travels to a cluster's machines."""

from pathlib import Path

import pytest

from study.errors import ClusterError
from study.machines.upload import upload_of


def write(folder: Path, *names: str) -> None:
    """Files of ten bytes."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("0123456789")


def test_code_travels_and_neither_secrets_nor_results(tmp_path: Path) -> None:
    """Whoever may use the cluster sees what was sent; `.gitignore` is honoured too."""
    write(tmp_path, "mine.py", "package/model.py", "keys.py")
    write(tmp_path, ".env", ".env.local", "deploy/server.pem", "id_ed25519", ".aws/credentials")
    write(tmp_path, "results/a/epochs.parquet", "runs/b/study.json", "runs/b/epochs.parquet")
    write(tmp_path, "weights.bin", ".git/config")
    (tmp_path / ".gitignore").write_text("*.bin\n.gitignore\n")

    sent = upload_of(tmp_path)

    assert (sent.files, sent.size_bytes) == (3, 30)
    assert "3 files, 0.0 MB" in str(sent)


@pytest.mark.parametrize("folder", ["/", "home"])
def test_a_whole_machine_is_not_sent(folder: str, tmp_path: Path) -> None:
    """From / Ray would pack /proc, and from the home all that somebody has."""
    home = tmp_path / "home"
    home.mkdir()

    with pytest.raises(ClusterError, match="the folder of your project"):
        upload_of(Path("/") if folder == "/" else home, home=home)
