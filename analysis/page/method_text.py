"""Last sections of a report: the method, and facts about the study."""

import shlex
from collections.abc import Iterator

from analysis.findings import Findings
from analysis.forms.scores import ScoreForm
from analysis.quantities import (
    ascending,
    enumeration,
    percent_text,
)
from analysis.ranking.ranking import Ranking
from analysis.tables.terminal import bill_line
from study.inference.boards import CALIBRATION
from study.record.manifest import Manifest, NodeFacts
from study.record.objective import ACCURACY
from study.record.vocabulary import positional

_METHODS = {
    "counter": "by the device's own energy counter",
    "sampled": "from power samples, integrated over time (paper, equation 1)",
    "estimated": "as an estimate, not from a sensor",
}


def method_sentences(findings: Findings) -> tuple[str, ...]:
    """Describe how energy was measured and how results were computed, in a sentence or two per topic."""
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
            "training with an epoch that has no reading has no total; it is never counted as 0. Nor "
            "has one that a search stopped. Where some trainings of a setup failed, the total is the "
            "energy of all of them for each that succeeded."
        ),
        *_stage_sentences(findings),
        _ranking_sentence(findings.ranking),
        (
            "Intervals and probabilities: Student's t on the logarithms of the energies, with partially "
            "pooled variances over repeats, including the sensor's calibration error "
            f"({percent_text(CALIBRATION, decimals=0)}; it cancels between setups on one board)."
        ),
        ("Tie: the 95 % interval of what one setup saves against the other contains 0."),
        (
            f"Pareto front: the setups that no other one beats in {findings.score.name} and energy beyond the "
            "noise of both."
        ),
        ("± is the sample standard deviation over repeats."),
        (
            "Figures: each is drawn from the numbers in its CSV file, by the definition in its "
            "Vega-Lite file."
        ),
    )


def _stage_sentences(findings: Findings) -> Iterator[str]:
    if findings.ranked_stage is not None:
        yield (
            f"Where a table is about setups, it is about their stage {findings.ranked_stage}; each "
            "stage has its own early stopping and its own energy."
        )
    if findings.paradigm.pretraining is not None:
        yield (
            "Break-even (paper, equation 2): energy of pretraining the encoder, divided by what a "
            "training on it saves against one from scratch. A setup in which nothing is saved never "
            "pays; its energies still enter the pooled number."
        )
    if findings.paradigm.multitask is not None:
        yield (
            "One by one is the sum of a training for each task; only repeats in which all energies "
            "are known are compared."
        )


def _ranking_sentence(ranking: Ranking) -> str:
    title, score = ranking.title, ScoreForm(ranking.objective)
    tolerance = score.tolerance_text(ranking.tolerance)
    said = f"Ranking: {title[0].lower()}{title[1:]}"
    if not ranking.criterion.within_tolerance:
        return f"{said}."
    if ranking.by_expected_loss:
        return (
            "Ranking: by energy, and for each "
            f"{score.point} that falls short of the best by more than {tolerance} a price in energy "
            "(--prefer), averaged over the posterior."
        )
    return (
        f"{said} among the setups whose mean best validation {score.name} is within "
        f"{tolerance} of the best."
    )


def _source_text(node: NodeFacts) -> str:
    if node.source is None:
        return f"{node.hostname} could measure no energy. {node.note}"
    how = _METHODS.get(node.method or "", "in a way that was not noted")
    return f"Energy comes {how} ({node.source}). {node.note}"


def study_facts(findings: Findings) -> tuple[tuple[str, str], ...]:
    """Return the facts of a study's manifest as pairs of name and value."""
    manifest = findings.study.manifest
    data = manifest.data
    finished = manifest.finished_at or f"not yet ({manifest.status})"
    return (
        ("Study", f"{manifest.study}: {manifest.paradigm}, scenario {manifest.scenario}"),
        ("Command", shlex.join(manifest.command)),
        ("Time", f"started {manifest.started_at}, finished {finished}"),
        ("Data", f"{data.description} (data: synthetic)" if data.synthetic else data.description),
        ("Samples", _samples_text(manifest)),
        ("Setups", _setups_text(manifest)),
        ("Seeds", enumeration(manifest.seeds)),
        *((f"Machine {node.hostname}", _node_text(node)) for node in manifest.nodes),
        ("Energy", findings.titled(bill_line(findings.bill, findings.unit))),
        ("Options", ", ".join(f"{name}={value}" for name, value in manifest.options.items())),
        ("Versions", ", ".join(f"{name} {value}" for name, value in manifest.versions.items())),
        ("Git commit", manifest.git_commit or "not from a checkout"),
        ("Data fingerprint", data.fingerprint),
    )


def _setups_text(manifest: Manifest) -> str:
    sizes = {setup.batch_size for setup in manifest.setups} - {None}
    rates = {setup.learning_rate for setup in manifest.setups} - {None}
    words = [
        *([f"batch sizes {enumeration(ascending(sizes))}"] if sizes else []),
        *(
            [f"learning rates {enumeration(map(positional, ascending(rates)[::-1]))}"]
            if rates
            else []
        ),
    ]
    return ": ".join([str(len(manifest.setups)), *([", ".join(words)] if words else [])])


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


def _samples_text(manifest: Manifest) -> str:
    """State the numbers of samples and classes, as far as they are known."""
    data = manifest.data
    if data.train_samples is None or data.val_samples is None:
        return "not known: the training loads them itself"
    return (
        f"{data.train_samples:,} for training, {data.val_samples:,} for validation"
        f"{_classes_text(manifest)}"
    )


def _classes_text(manifest: Manifest) -> str:
    """State the number of classes and the accuracy at chance; empty without classes."""
    data = manifest.data
    if not data.classes:
        return ""
    chance = data.chance_accuracy
    by_chance = (
        ""
        if chance is None or manifest.objective != ACCURACY
        else f", chance {percent_text(chance)}"
    )
    return f"; {len(data.classes)} classes{by_chance}"
