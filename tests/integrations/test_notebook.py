"""Studies in notebooks: the documentation's notebook as it is, and a study that is interrupted."""

import os
import queue
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.ray

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "tutorials" / "in-a-notebook.ipynb"

ENDLESS = """
result = run_study(
    "regime", scenario=Digits, batch_sizes=[32], learning_rates=[1e-9], repeats=4,
    max_epochs=100_000, patience=100_000, name="endless", report=False,
)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Working directory of the kernel."""
    return tmp_path_factory.mktemp("notebook")


@pytest.fixture(scope="module")
def kernel(place: Path) -> Iterator[Any]:
    """Manager of a kernel in which studies run one after another, as in a notebook that stays open."""
    manager = pytest.importorskip("jupyter_client.manager").KernelManager()
    manager.start_kernel(
        cwd=str(place), env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    )
    yield manager
    manager.shutdown_kernel(now=True)


@pytest.fixture
def client(kernel: Any) -> Iterator[Any]:  # noqa: ANN401 - jupyter_client has no types
    """A client with sockets of its own: nbclient closes those that it gets from the manager."""
    blocking = pytest.importorskip("jupyter_client.blocking")
    own = blocking.BlockingKernelClient(connection_file=kernel.connection_file)
    own.load_connection_file()
    own.start_channels()
    own.wait_for_ready(PATIENCE_S)
    yield own
    own.stop_channels()


@pytest.mark.integrations
def test_the_notebook_shows_progress_answer_and_figure(
    kernel: Any,  # noqa: ANN401 - as above
    place: Path,
) -> None:
    """In a kernel's event loop a study shows a line for each trial, a table and a figure, and no warning."""
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    book = nbformat.read(NOTEBOOK, as_version=4)

    nbclient.NotebookClient(book, km=kernel, timeout=PATIENCE_S).execute()

    outputs = [output for cell in book.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    shown = [output["data"] for output in outputs if "data" in output]
    texts = [output.get("text", "") for output in outputs]
    output = "".join([*texts, *(data.get("text/plain", "") for data in shown)])
    # Later output does not clear what came before the trials.
    assert "tensorboard --logdir" in output
    assert "[1/8] setup" in output
    assert "[8/8] setup" in output
    pages = [data["text/html"] for data in shown if "text/html" in data]
    assert [page for page in pages if "<table" in page and "Use batch size" in page]
    assert [data for data in shown if "<svg" in data.get("image/svg+xml", "")]
    assert (place / "results" / "digits" / "report" / "index.html").is_file()


def messages(client: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - jupyter_client has no types
    """Yield a kernel's output messages for at most `PATIENCE_S`."""
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        try:
            yield client.get_iopub_msg(timeout=1)
        except queue.Empty:
            continue


def read_until(client: Any, word: str) -> str:  # noqa: ANN401 - as above
    """Read a kernel's output until a word is in it; return all that was read."""
    output = ""
    for message in messages(client):
        content = message["content"]
        output += f"{content.get('text', '')}{content.get('data', {}).get('text/plain', '')}"
        output += "\n".join(content.get("traceback", ()))
        if word in output:
            return output
    missing = f"no {word!r} in:\n{output}"
    raise AssertionError(missing)


@pytest.mark.faults
def test_interrupting_the_kernel_ends_the_study_and_gives_what_is_known(
    kernel: Any,  # noqa: ANN401 - as above
    client: Any,  # noqa: ANN401 - as above
    place: Path,
) -> None:
    """The kernel survives, and its next cell has the result so far, with all trials unfinished."""
    nbformat = pytest.importorskip("nbformat")
    _, scenario, *_ = nbformat.read(NOTEBOOK, as_version=4).cells

    client.execute(f"{scenario.source}\n{ENDLESS}")
    read_until(client, "endless")
    while not list((place / "results" / "endless").glob("setup*/result.json")):
        time.sleep(0.2)
    kernel.interrupt_kernel()
    client.execute("print('found', result.unfinished, dict(result.failed), len(result.trials))")

    assert "found 4 {}" in read_until(client, "found ")
