"""Writes `report/` of a study: a page that needs nothing else, and its tables and figures as files."""

import os
import tempfile
from pathlib import Path

from markupsafe import Markup

from analysis.chart_style import Drawing
from analysis.drawing import draw
from analysis.errors import AnalysisError
from analysis.findings import Findings
from analysis.page import render
from analysis.quantities import learning_rate_text, listed, percent_text, points_text
from analysis.sections import hero, key_figures, lead_and_rest, sections
from analysis.tables import Cell, TableInfo, csv_text, table_infos
from analysis.terminal import bill_line, study_line
from study.manifest import Manifest, NodeFacts
from study.records import REPORT_FOLDER

PAGE_FILE = "index.html"

_METHODS = {
    "counter": "by the device's own energy counter",
    "sampled": "from power samples, integrated over time (paper, equation 1)",
    "estimated": "as an estimate, not from a sensor",
}


def write_report(findings: Findings) -> Path:
    """Write the report into the study's folder.

    Each file is replaced as a whole, so that a reader never sees half of one.

    Returns:
        The page.

    Raises:
        AnalysisError: The folder cannot be written.
    """
    folder = findings.study.path / REPORT_FOLDER
    drawings = draw(findings)
    files: dict[str, bytes] = {}
    for drawing in drawings:
        files[f"{drawing.name}.svg"] = drawing.svg.encode()
        files[f"{drawing.name}.png"] = drawing.png
        files[f"{drawing.name}.csv"] = drawing.csv.encode()
        files[f"{drawing.name}.vl.json"] = drawing.definition.encode()
    for info in table_infos(findings):
        files[f"{info.name}.csv"] = csv_text(info).encode()
    files[PAGE_FILE] = page_text(findings, drawings).encode()
    try:
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            _replace(folder / name, content)
    except OSError as error:
        message = (
            f"{folder} cannot be written ({error.strerror}). Make it writable, or leave the "
            "report out with --no-report."
        )
        raise AnalysisError(message) from error
    return folder / PAGE_FILE


def page_text(findings: Findings, drawings: tuple[Drawing, ...]) -> str:
    """The page: advice and the first figure on top, then everything that they rest on."""
    manifest = findings.study.manifest
    lead, rest = lead_and_rest(findings.recommendation.text)
    chosen = findings.recommendation.setup

    def row_class(info: TableInfo, index: int, row: tuple[Cell, ...]) -> Markup:
        setup = next(
            (c.value for c, k in zip(row, info.columns, strict=True) if k.key == "setup"), None
        )
        words = [
            *(["break"] if index in info.breaks else []),
            *(["chosen"] if setup is not None and setup == chosen else []),
        ]
        return Markup(' class="{}"').format(" ".join(words)) if words else Markup("")

    return render(
        manifest=manifest,
        study_line=study_line(manifest),
        labels=findings.labels,
        lead=lead,
        rest=rest,
        keys=key_figures(findings),
        caveats=findings.recommendation.caveats,
        hero=hero(drawings),
        sections=sections(findings, drawings),
        row_class=row_class,
        method=_method(findings),
        facts=_facts(findings),
    )


def _method(findings: Findings) -> tuple[str, ...]:
    within = points_text(findings.ranking.tolerance)
    nodes = findings.study.manifest.nodes
    sources = dict.fromkeys(_source_text(node) for node in nodes)
    return (
        *sources,
        (
            "The energy of an epoch is that of its training and its validation. Energy before the "
            "first epoch, between epochs and of lost attempts is kept apart."
        ),
        (
            "Energy per epoch: the mean over each repeat's epochs, then the mean over repeats, so "
            "that every repeat weighs the same."
        ),
        (
            "Total energy: the sum over a finished training's epochs, then the mean over repeats. A "
            "training with an epoch that has no reading has no total; it is never counted as 0."
        ),
        (
            f"Ranking: least total energy among the setups whose mean best validation accuracy is "
            f"within {within} of the best."
        ),
        (
            "Tie: the difference of two mean energies is smaller than its standard deviation over "
            "repeats, the square root of the sum of both variances."
        ),
        "± is the sample standard deviation over repeats.",
    )


def _source_text(node: NodeFacts) -> str:
    if node.source is None:
        return f"{node.hostname} could measure no energy. {node.note}"
    how = _METHODS.get(node.method or "", "in a way that was not noted")
    return f"Energy comes {how} ({node.source}). {node.note}"


def _facts(findings: Findings) -> tuple[tuple[str, str], ...]:
    manifest = findings.study.manifest
    data = manifest.data
    finished = manifest.finished_at or f"not yet ({manifest.status})"
    return (
        ("Study", f"{manifest.study}: {manifest.paradigm}, scenario {manifest.scenario}"),
        ("Command", " ".join(manifest.command)),
        ("Time", f"started {manifest.started_at}, finished {finished}"),
        ("Data", f"{data.description} (data: synthetic)" if data.synthetic else data.description),
        (
            "Samples",
            (
                f"{data.train_samples:,} for training, {data.val_samples:,} for validation; "
                f"{len(data.classes)} classes, chance {percent_text(data.chance_accuracy)}"
            ),
        ),
        ("Setups", _setups_text(manifest)),
        ("Seeds", listed(manifest.seeds)),
        *((f"Machine {node.hostname}", _node_text(node)) for node in manifest.nodes),
        ("Energy", findings.titled(bill_line(findings.bill))),
        ("Options", ", ".join(f"{name}={value}" for name, value in manifest.options.items())),
        ("Versions", ", ".join(f"{name} {value}" for name, value in manifest.versions.items())),
        ("Git commit", manifest.git_commit or "not from a checkout"),
        ("Data fingerprint", data.fingerprint),
    )


def _setups_text(manifest: Manifest) -> str:
    sizes = sorted({setup.batch_size for setup in manifest.setups})
    rates = sorted({setup.learning_rate for setup in manifest.setups}, reverse=True)
    return (
        f"{len(manifest.setups)}: batch sizes {listed(sizes)}, "
        f"learning rates {listed(learning_rate_text(rate) for rate in rates)}"
    )


def _node_text(node: NodeFacts) -> str:
    devices = [
        " ".join(
            [
                device.name,
                *([f"limit {device.power_limit_w:g} W"] if device.power_limit_w else []),
                *([f"idle {device.idle_power_w:.1f} W"] if device.idle_power_w else []),
                *([f"driver {device.driver}"] if device.driver else []),
            ]
        )
        for device in node.devices
    ]
    refused = [f"{name} not used: {reason}" for name, reason in node.refused.items()]
    return "; ".join([f"{node.cpus:g} CPUs, {node.gpus:g} GPUs", *devices, *refused])


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # mkstemp keeps others out; a report is for them too.
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
