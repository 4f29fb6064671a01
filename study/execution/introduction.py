"""Start of a study: print its plan and warnings, and write its first manifest."""

import shlex

from rich.console import Console
from rich.markup import escape

from study.execution.live.tensorboard import PAGE
from study.machines.cluster import Cluster
from study.machines.nodes import Share
from study.options import StudyOptions
from study.record.files import MANIFEST_FILE
from study.record.manifest import Manifest
from study.store.folder import StudyFolder


def warnings_of(cluster: Cluster, *, device_type: str, options: StudyOptions) -> tuple[str, ...]:
    """Return warnings about this machine and the cluster, for readers of the results.

    Args:
        cluster: Cluster that the study runs on.
        device_type: Type of the torch device on this machine.
        options: Options of the command.
    """
    found = []
    if options.address is None and cluster.share.gpus and device_type == "cpu":
        found.append(
            "Ray gives each trial a GPU, but this torch cannot use CUDA: the networks train on the "
            "CPU, and the energy is that of the GPU beside it. Install a CUDA build of torch."
        )
    if cluster.share.workers > 1 and device_type == "cpu":
        found.append(
            f"{cluster.share.workers} processes train each trial on CPUs: a batch norm, if there is "
            "one, uses the statistics of each process's part of a batch, not of the whole batch."
        )
    if options.address is None and options.precision == "fp16" and device_type == "cpu":
        found.append(
            "fp16 is emulated on a CPU and takes several times as long: these energies say nothing about "
            "fp16 on a GPU. Many CPUs compute bf16 natively."
        )
    return (*found, *cluster.warnings())


def introduce(
    manifest: Manifest, cluster: Cluster, folder: StudyFolder, *, trials: str, console: Console
) -> None:
    """Print what the study is going to do.

    Args:
        manifest: Manifest of the study.
        cluster: Cluster that it runs on.
        folder: Folder that its results are written to.
        trials: Short description of the trials.
        console: Console to print to.
    """
    kind = "synthetic" if manifest.data.synthetic else "real"
    lines = [
        ("data", f"{kind}: {manifest.data.description}"),
        ("trials", trials),
        ("slots", slots_text(cluster.slots, cluster.share, nodes=len(cluster.nodes))),
        *(
            ("energy", f"{node.hostname}: {node.source}, {node.note}")
            for node in manifest.nodes
            if node.source is not None
        ),
        *(("warning", warning) for warning in manifest.warnings),
        *((("sent", str(cluster.sent)),) if cluster.sent else ()),
        ("results", folder.path),
        ("watch", f"tensorboard --logdir {shlex.quote(str(folder.path))}, then {PAGE}"),
        *((("dashboard", cluster.dashboard),) if cluster.dashboard else ()),
    ]
    for word, text in lines:
        console.print(f"  [dim]{word:9}[/] {escape(text)}", highlight=False, soft_wrap=True)


def slots_text(slots: int, share: Share, *, nodes: int) -> str:
    """Return how many trials run at the same time, and what each of them gets.

    Args:
        slots: Number of trials at a time.
        share: Resources of one trial.
        nodes: Number of nodes.
    """
    gets = _counted(share.cpus, "CPU")
    if share.gpus:
        gets = f"{_counted(share.gpus, 'GPU')} and {gets}"
    if share.workers > 1:
        gets = f"{gets}, for {share.workers} workers"
    each = "each with" if slots > 1 else "with"
    return f"{_counted(slots, 'trial')} at a time on {_counted(nodes, 'node')}, {each} {gets}"


def _counted(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'s' if number > 1 else ''}"


def write_beginning(folder: StudyFolder, manifest: Manifest) -> None:
    """Write the manifest, so that the study can be read while it runs."""
    folder.write_text(MANIFEST_FILE, manifest.to_json())
