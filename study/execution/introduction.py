"""What a study says before its first trial: what is going to happen, and what must be known of it."""

from rich.console import Console
from rich.markup import escape

from study.machines.cluster import Cluster
from study.options import StudyOptions
from study.record.manifest import Manifest
from study.record.records import Paradigm
from study.store.folder import StudyFolder


def warnings_of(cluster: Cluster, *, device_type: str, options: StudyOptions) -> tuple[str, ...]:
    """What a reader of the results must know."""
    found = []
    if options.address is None and cluster.share.gpus and device_type == "cpu":
        found.append(
            "Ray gives each trial a GPU, but this torch cannot use CUDA: the networks train on the "
            "CPU, and the energy is that of the GPU beside it. Install a CUDA build of torch."
        )
    return (*found, *cluster.warnings())


def introduce(
    manifest: Manifest, cluster: Cluster, folder: StudyFolder, *, remaining: int, console: Console
) -> None:
    """Say what is going to happen."""
    each = f"{cluster.share.cpus:g} CPU"
    if cluster.share.gpus:
        each = f"{cluster.share.gpus:g} GPU and {each}"
    kind = "synthetic" if manifest.data.synthetic else "real"
    total = len(manifest.setups) * len(manifest.seeds)
    repeats = "1 repeat" if len(manifest.seeds) == 1 else f"{len(manifest.seeds)} repeats"
    of_all = f"{len(manifest.setups)} setups x {repeats} = {total}"
    gone = f", {total - remaining} of them ended before" if remaining < total else ""
    lines = [
        ("data", f"{kind}: {manifest.data.description}"),
        (
            "trials",
            of_all + gone if manifest.paradigm is not Paradigm.SEARCH else _searched(manifest),
        ),
        ("slots", f"{cluster.slots} trials at a time on {len(cluster.nodes)} node(s), {each} each"),
        *(
            ("energy", f"{node.hostname}: {node.source}, {node.note}")
            for node in manifest.nodes
            if node.source is not None
        ),
        *(("warning", warning) for warning in manifest.warnings),
        ("results", folder.path),
        ("watch", f"tensorboard --logdir {folder.path}"),
        *((("dashboard", cluster.dashboard),) if cluster.dashboard else ()),
    ]
    for word, text in lines:
        console.print(f"  [dim]{word:9}[/] {escape(text)}", highlight=False, soft_wrap=True)


def _searched(manifest: Manifest) -> str:
    """What a search may try: it stops earlier, or does not know as yet how much there is."""
    if manifest.options.get("space") is None or manifest.setups:
        return f"a search over {len(manifest.setups)} setups"
    return "a search over ranges, whose setups are numbered as they are proposed"
