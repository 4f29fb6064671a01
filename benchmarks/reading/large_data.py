"""Memory of a study whose data do not fit into memory.

    python -m benchmarks.reading.large_data [--gigabytes 3.2]

Writes a file of 3.2 GB, reads it through `DataLoader` workers in a study, and samples the memory of all
processes of that study (driver, Ray, trackers, trials, workers) until it ends. A tiny study of the same kind
runs first, and the difference of the peaks is the memory taken by the data. Memory is Linux's proportional set
size, so that shared pages count once. The file is sparse: its zeros take almost no disk space but are read as
usual.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil

GIGABYTE = 10**9
SAMPLE_BYTES = 262_144
TINY_GB = 0.01
EVERY_S = 0.5
MOST_SHARE = 1 / 3

SCENARIO = '''
import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

from study import Data, Objective


class Part(Dataset):
    """Samples of a file, which is opened where it is read."""

    def __init__(self, path, places):
        self.path, self.places = str(path), places

    def __len__(self):
        return len(self.places)

    def __getitem__(self, place):
        values = np.load(self.path, mmap_mode="r")[self.places[place]]
        return torch.from_numpy(values.copy()), torch.ones(1)


class Mine:
    name = "large"
    objective = Objective("error", mode="min")

    def load(self, data_dir, *, seed):
        path = data_dir / "values.npy"
        count = len(np.load(path, mmap_mode="r"))
        held_out = max(count // 20, 1)
        return Data(
            train=Part(path, range(held_out, count)), val=Part(path, range(held_out)),
            synthetic=True, description=f"{count} samples of a file",
            loading={"num_workers": 2}, fingerprint=str(count),
        )

    def network(self, data):
        return nn.Linear(data.train[0][0].shape[0], 1)

    def loss(self, outputs, targets):
        return nn.functional.mse_loss(outputs, targets)

    def metrics(self, outputs, targets):
        return {"error": (outputs - targets).abs().mean()}
'''


def write_values(path: Path, gigabytes: float) -> int:
    """Write an array of zeros as a sparse file, and return its size in bytes."""
    samples = max(round(gigabytes * GIGABYTE / SAMPLE_BYTES), 40)
    shape = (samples, SAMPLE_BYTES // np.dtype(np.float32).itemsize)
    np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape).flush()
    return path.stat().st_size


def memory_bytes(process: psutil.Process) -> int:
    """Return the proportional set size of a process and all its descendants, in bytes."""
    total = 0
    for each in [process, *process.children(recursive=True)]:
        try:
            total += each.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


def peak_bytes(folder: Path, gigabytes: float) -> tuple[int, int, float]:
    """Run a study on data of a given size; return the data's bytes, the peak memory in bytes, and seconds."""
    folder.mkdir()
    size = write_values(folder / "values.npy", gigabytes)
    (folder / "large.py").write_text(SCENARIO, encoding="utf-8")
    command = [
        *(sys.executable, "-m", "study.regime", "--scenario", f"{folder}/large.py:Mine"),
        *("--data-dir", str(folder), "--batch-sizes", "64", "--learning-rates", "0.001"),
        *("--repeats", "1", "--max-epochs", "1", "--device", "cpu", "--no-report"),
        *("--results-dir", str(folder / "results"), "--name", "a"),
    ]
    start_s, peak = time.monotonic(), 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as study:
        process = psutil.Process(study.pid)
        while study.poll() is None:
            peak = max(peak, memory_bytes(process))
            time.sleep(EVERY_S)
    if study.returncode:
        message = f"the study ended with {study.returncode}"
        raise SystemExit(message)
    return size, peak, time.monotonic() - start_s


def main(args: Sequence[str]) -> int:
    """Print both peaks and their difference as a share of the data; return 1 if that is a third or more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=3.2)
    gigabytes = parser.parse_args(args).gigabytes
    with tempfile.TemporaryDirectory() as folder:
        _, tiny, _ = peak_bytes(Path(folder) / "tiny", TINY_GB)
        size, peak, duration_s = peak_bytes(Path(folder) / "large", gigabytes)
    share = (peak - tiny) / size
    print(f"tiny study    peak {tiny / GIGABYTE:.2f} GB")
    print(f"data          {size / GIGABYTE:.2f} GB, read in {duration_s:.0f} s")
    print(f"large study   peak {peak / GIGABYTE:.2f} GB")
    print(f"above it      {(peak - tiny) / GIGABYTE:.2f} GB, {share:.3f} of the data")
    return 0 if share < MOST_SHARE else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
