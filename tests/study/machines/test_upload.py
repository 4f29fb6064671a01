"""Files of the working folder that are sent to a cluster's machines."""

from pathlib import Path

import pytest

from study.errors import ClusterError
from study.machines.upload import upload_of


def write(folder: Path, *names: str) -> None:
    """Write files of ten bytes."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("0123456789")


def test_code_is_sent_but_neither_secrets_nor_results(tmp_path: Path) -> None:
    """All users of the cluster can read what is sent; files in `.gitignore` stay here, too."""
    write(tmp_path, "mine.py", "package/model.py", "keys.py")
    write(tmp_path, ".env", ".env.local", "deploy/server.pem", "id_ed25519", ".aws/credentials")
    write(tmp_path, "results/a/epochs.parquet", "runs/b/study.json", "runs/b/epochs.parquet")
    write(tmp_path, "weights.bin", ".git/config")
    (tmp_path / ".gitignore").write_text("*.bin\n.gitignore\n")

    sent = upload_of(tmp_path)

    assert (sent.files, sent.size_bytes) == (3, 30)
    assert "3 files, 0.0 MB" in str(sent)


@pytest.mark.parametrize("folder", ["/", "home"])
def test_the_root_and_home_folders_are_not_sent(folder: str, tmp_path: Path) -> None:
    """From /, Ray would pack /proc, and from the home folder all of the user's files."""
    home = tmp_path / "home"
    home.mkdir()

    with pytest.raises(ClusterError, match="the folder of your project"):
        upload_of(Path("/") if folder == "/" else home, home=home)
