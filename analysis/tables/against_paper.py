"""A study's numbers beside the published ones, in the same cells and units, and what differs."""

from collections.abc import Iterator
from itertools import product

from analysis.findings import Findings
from analysis.forms.cells import (
    Cell,
    TableColumn,
    TableInfo,
    mean_of,
    number_cell,
    percent,
    word_cell,
)
from analysis.multitask.together import MultitaskInfo
from analysis.pretraining.freezing import FreezingInfo
from analysis.pretraining.info import PretrainingInfo
from analysis.quantities import (
    count_text,
    decimals_for,
    enumeration,
    to_mwh,
    to_wh,
)
from analysis.tables.published import (
    BATCH_SIZES,
    CELEBA,
    FIGURE_4_AVERAGE_CYCLES,
    FIGURE_4_BEST_CYCLES,
    FIGURE_4_WORST_CYCLES,
    HARDWARE_TEXT,
    LEARNING_RATES,
    METHOD_TEXT,
    PAMAP2,
    TABLE_3_SAVING_PRINTED_PERCENT,
    TABLE_3_WH,
    TABLE_4,
    Hardware,
    freezing_saving,
    multitask_saving,
    paper_scenario,
    table_2_j,
)
from study.record.vocabulary import Paradigm, Stage, positional

_THREE = (
    TableColumn(key="ours", heading="ours"),
    TableColumn(key="paper_cuda", heading="paper CUDA"),
    TableColumn(key="paper_mps", heading="paper MPS"),
)


def against_paper_infos(findings: Findings) -> tuple[TableInfo, ...]:
    """Return tables of the study's numbers beside the paper's, for results that both have."""
    return tuple(_tables(findings))


def differences(findings: Findings) -> tuple[str, ...]:
    """Describe how the study differs from the paper: hardware, data, method, encoder; a sentence each."""
    manifest = findings.study.manifest
    devices = dict.fromkeys(d.name for node in manifest.nodes for d in node.devices)
    methods = dict.fromkeys(findings.study.epochs["energy_method"].dropna())
    sources = dict.fromkeys(node.source for node in manifest.nodes if node.source)
    data = f"{manifest.scenario} ({manifest.data.description})"
    data += ", synthetic" if manifest.data.synthetic else ""
    paper_data = {
        CELEBA: "CelebA",
        PAMAP2: "PAMAP2",
        None: "tasks are attributes and identity in CelebA, so no table of it stands beside yours",
    }[paper_scenario(manifest)]
    encoder = manifest.encoder_weights
    return (
        (
            f"Hardware: ours {enumeration(devices) if devices else 'not known'}; the paper's "
            f"{enumeration(HARDWARE_TEXT.values())}."
        ),
        f"Data: ours {data}; the paper's {paper_data}.",
        (
            f"Method: ours {enumeration(methods) if methods else 'no energy'}"
            f"{f' ({enumeration(sources)})' if sources else ''}, {count_text(len(manifest.seeds), 'repeat')}; the "
            f"paper's {METHOD_TEXT}. Patience and optimiser are not given in the paper."
        ),
        *([f"Encoder: ours starts from published weights ({encoder})."] if encoder else []),
    )


def _tables(findings: Findings) -> Iterator[TableInfo]:
    kind = findings.study.manifest.paradigm
    pretraining, multitask = findings.paradigm.pretraining, findings.paradigm.multitask
    if kind in (Paradigm.REGIME, Paradigm.SEARCH):
        yield _table_2(findings)
    if pretraining is not None:
        yield _figure_4(findings, pretraining)
        yield _table_3(findings, pretraining.freezing)
    if multitask is not None and all(
        task.task in TABLE_4[Hardware.CUDA] for task in multitask.tasks
    ):
        yield _table_4(findings, multitask)


def _table_2(findings: Findings) -> TableInfo:
    scenario = paper_scenario(findings.study.manifest) or PAMAP2
    mwh = decimals_for(to_mwh(mean_of(each.energy_per_epoch_j)) for each in findings.setups)
    ours = {
        (each.batch_size, each.learning_rate): mean_of(each.energy_per_epoch_j)
        for each in findings.setups
        if not each.parameters and each.batch_size is not None and each.learning_rate is not None
    }
    published = {hardware: table_2_j(scenario, hardware) for hardware in Hardware}
    grid = list(product(BATCH_SIZES, LEARNING_RATES))
    keys = [*grid, *sorted((key for key in ours if key not in grid), key=lambda k: (k[0], -k[1]))]
    return TableInfo(
        name="against_paper_table_2",
        title=findings.titled(f"Energy per epoch in mWh beside Table 2 ({scenario})"),
        columns=(
            TableColumn(key="batch_size", heading="batch"),
            TableColumn(key="learning_rate", heading="rate"),
            *_THREE,
        ),
        rows=tuple(
            (
                word_cell(size),
                Cell(value=rate, text=positional(rate)),
                number_cell(to_mwh(ours.get((size, rate))), mwh),
                *(number_cell(to_mwh(published[h].get((size, rate))), 2) for h in Hardware),
            )
            for size, rate in keys
        ),
        breaks=tuple(i for i in range(1, len(keys)) if keys[i][0] != keys[i - 1][0]),
        legend="- not trained, or not in the paper",
    )


def _figure_4(findings: Findings, info: PretrainingInfo) -> TableInfo:
    found = info.frozen
    pooled = found.pooled.cycles if found.pooled is not None and found.pooled.pays else None
    best, worst = (None if s is None else s.of_means.pays_at for s in (found.best, found.worst))
    return TableInfo(
        name="against_paper_figure_4",
        title=findings.titled("Cycles to break even beside Figure 4 (frozen classifier)"),
        columns=(TableColumn(key="case", heading="setup"), *_THREE),
        rows=(
            (
                word_cell("best"),
                number_cell(best, 0),
                *(word_cell(FIGURE_4_BEST_CYCLES[h]) for h in Hardware),
            ),
            (
                word_cell("worst"),
                number_cell(worst, 0),
                *(word_cell(FIGURE_4_WORST_CYCLES[h]) for h in Hardware),
            ),
            (
                word_cell("average"),
                number_cell(pooled, 1),
                *(word_cell(FIGURE_4_AVERAGE_CYCLES) for _ in Hardware),
            ),
        ),
        legend=(
            f"ours: pays in {count_text(found.pays, 'setup')}, never in {found.never}, not known in {found.unknown}; the "
            "paper names none that never pays"
        ),
    )


def _table_3(findings: Findings, info: FreezingInfo) -> TableInfo:
    saving = info.over_setups
    wh = decimals_for(to_wh(mean_of(s)) for s in ((saving.energy_j,) if saving else ()))
    unfrozen, frozen = Stage.CLASSIFIER_UNFROZEN, Stage.CLASSIFIER_FROZEN
    return TableInfo(
        name="against_paper_table_3",
        title=findings.titled("Frozen encoder beside Table 3, Wh averaged over setups"),
        columns=(TableColumn(key="encoder", heading="encoder"), *_THREE),
        rows=(
            (
                word_cell("unfrozen Wh"),
                number_cell(to_wh(mean_of(saving.reference_j if saving else None)), wh),
                *(number_cell(TABLE_3_WH[h][unfrozen], 2) for h in Hardware),
            ),
            (
                word_cell("frozen Wh"),
                number_cell(to_wh(mean_of(saving.energy_j if saving else None)), wh),
                *(number_cell(TABLE_3_WH[h][frozen], 2) for h in Hardware),
            ),
            (
                word_cell("saving % as printed"),
                number_cell(None, 1),
                *(number_cell(TABLE_3_SAVING_PRINTED_PERCENT[h], 1) for h in Hardware),
            ),
            (
                word_cell("saving % computed"),
                number_cell(percent(saving.share if saving else None), 1),
                *(number_cell(percent(freezing_saving(h)), 1) for h in Hardware),
            ),
        ),
    )


def _table_4(findings: Findings, info: MultitaskInfo) -> TableInfo:
    rows: list[tuple[Cell, ...]] = []
    wh = decimals_for(to_wh(mean_of(task.energy_j)) for task in info.tasks)
    for task in info.tasks:
        printed = [TABLE_4[h][task.task] for h in Hardware]
        rows += [
            (
                word_cell(f"{task.task} mWh/epoch"),
                number_cell(to_mwh(mean_of(task.energy_per_epoch_j)), 2),
                *(number_cell(each.energy_per_epoch_mwh, 2) for each in printed),
            ),
            (
                word_cell(f"{task.task} epochs"),
                number_cell(mean_of(task.epochs), 1),
                *(word_cell(each.epochs) for each in printed),
            ),
            (
                word_cell(f"{task.task} total Wh"),
                number_cell(to_wh(mean_of(task.energy_j)), wh),
                *(number_cell(to_wh(each.energy_j), 2) for each in printed),
            ),
        ]
    saving = info.over_setups
    rows.append(
        (
            word_cell("together saves %"),
            number_cell(percent(saving.share if saving else None), 1),
            *(number_cell(percent(multitask_saving(h)), 1) for h in Hardware),
        )
    )
    return TableInfo(
        name="against_paper_table_4",
        title=findings.titled("Tasks beside Table 4, averaged over setups"),
        columns=(TableColumn(key="quantity", heading="task"), *_THREE),
        rows=tuple(rows),
        breaks=(3, 6, 9),
        legend="the paper's totals are its energy per epoch x epochs; it prints none",
    )
