"""Tables and text of a search: the setups that it trained, and its front over the energy spent."""

from collections.abc import Sequence

from analysis.forms.cells import (
    Cell,
    TableColumn,
    TableInfo,
    number_cell,
    percent,
    setup_cells,
    setup_columns,
    word_cell,
)
from analysis.forms.scores import ScoreForm
from analysis.forms.table_unit import TableUnit
from analysis.forms.titles import titled
from analysis.quantities import count_text, energy_text, enumeration, percent_text
from analysis.search.info import SearchInfo, SearchPoint
from study.inference.choice import probability_text
from study.record.files import EnergyUnit
from study.record.manifest import Manifest, SearchAnswer
from study.record.search.goal import SearchGoal


def search_tables(
    info: SearchInfo, labels: Sequence[str], score: ScoreForm, unit: EnergyUnit
) -> tuple[TableInfo, ...]:
    """Return the tables of points and of hypervolume; none before the first trial has ended.

    The table of hypervolume is left out if the objective is not a share.
    """
    if not info.points:
        return ()
    progress = [_progress_table(info, labels, score, unit)] if score.objective.is_share else []
    return (_points_table(info, labels, score, unit), *progress)


def search_text(
    info: SearchInfo, manifest: Manifest, labels: Sequence[str], unit: EnergyUnit
) -> str:
    """Describe a search's answer, its energy relative to the whole grid's, and the answer's probability."""
    known = " (estimated)" if "estimated" in " ".join(labels) else ""
    if info.missing_epochs:
        known += f" (and {count_text(info.missing_epochs, 'epoch')} without a reading)"
    count = len(manifest.setups)
    used = "No epoch of the search has an energy"
    if info.grid_j and info.spent_j is not None:
        how = "measured" if info.grid_measured else "estimated from the epochs that ran"
        most = "at most " if info.grid_is_limit else ""
        if info.grid_is_limit:
            how = f"estimated: {manifest.options['max_epochs']} epochs of each"
        used = (
            f"The search used {energy_text(info.spent_j, unit)}{known} in epochs; all {count} setups, each once to its end, "
            f"would use {most}{energy_text(info.grid_j, unit)}, {how}; the search used "
            f"{percent_text(info.spent_j / info.grid_j)} of it"
        )
    left = ""
    if info.not_run:
        numbers = enumeration(info.not_run[:8]) + (" and more" if len(info.not_run) > 8 else "")  # noqa: PLR2004 - a line
        left = f" Not run: {count_text(len(info.not_run), 'setup')} ({numbers}); nothing is known of them."
    stopped = ""
    if info.stopped:
        is_to_target = manifest.options.get("goal") == SearchGoal.ENERGY_TO_TARGET
        why = "would have used as much as the best one needed with one more epoch"
        if not is_to_target:
            why = f"had already used more than {ScoreForm(manifest.objective).a_better_one}"
        stopped = (
            f" Of {count_text(info.stopped, 'setup')} stopped early, {info.ruled_out} {why} (ruled out, with that "
            f"seed), and {info.stopped - info.ruled_out} might yet have come out better."
        )
    meets = (
        "reached the target"
        if manifest.options.get("goal") == SearchGoal.ENERGY_TO_TARGET
        else "were trained to their end"
    )
    return f"{_answer_text(info)}{used}.{stopped}{left} {answer_probability_text(info, meets)}"


def _answer_text(info: SearchInfo) -> str:
    """Name the setups that the search recommends."""
    if not info.answer:
        return ""
    numbers = enumeration(info.answer)
    if len(info.answer) == 1:
        return f"The search recommends setup {numbers}. "
    return f"The front of the search is setups {numbers}. "


def answer_probability_text(info: SearchInfo, meets: str) -> str:
    """State the probability of the answer, or why there is none, in a sentence or two.

    Args:
        info: The search.
        meets: What the setups that are compared did, in words: they reached the target, for example.
    """
    if info.decided is not None and info.decided.probability is not None:
        return _decided_text(info.decided, info.decided.probability)
    found = info.probability
    if found is None:
        several = sum(each.seeds > 1 for each in info.points)
        if several:
            return (
                f"Of {count_text(several, 'setup')} with several seeds the means are shown; the others "
                "were trained with one: differences may be chance."
            )
        return (
            "Each setup was trained with one seed, so how far seeds differ is not known, and no "
            "probability can be given: differences may be chance. "
            f"{'--sure 0.9' if info.decided else '--confirm 2'} trains the leading setups again."
        )
    seeds = (
        f"Seeds of one setup differ by a factor of {found.factor:.2f} (standard deviation, from "
        f"{count_text(found.repeats, 'repeat')})."
    )
    best = f" There is no other setup to compare setup {found.setup} with."
    if found.compared > 1:
        best = (
            f" So setup {found.setup} is the best of the {found.compared} that {meets} with a "
            f"probability of {probability_text(found.best)}, and within 5 % of the best of "
            f"them with {probability_text(found.near)}."
        )
    if found.least is None:
        return seeds + best
    return (
        f"{seeds}{best} Of the {count_text(found.stopped, 'setup')} that were stopped before, less is "
        "known: were each of them as cheap as it can be, the probability would be "
        f"{probability_text(found.least)}; this is a lower bound."
    )


def _decided_text(answer: SearchAnswer, probability: float) -> str:
    """State the probability that the search itself gave for its answer, as its command prints it."""
    repeats = count_text(answer.repeats, "repeat")
    by = f", by {repeats} of the most informative setups" if answer.repeats else ""
    return (
        f"Setup {answer.setup} needs at most 5 % more energy than the cheapest setup with a probability of "
        f"{probability_text(probability)}{by}; paused trainings count with what they promise to need."
    )


def _points_table(
    info: SearchInfo, labels: Sequence[str], score: ScoreForm, of_study: EnergyUnit
) -> TableInfo:
    points = info.points
    has_earlier = any(point.studies for point in points)
    unit = TableUnit.of((point.energy_j for point in points), of_study)
    return TableInfo(
        name="search_points",
        title=titled("What the search found", labels),
        columns=(
            TableColumn(key="kind", heading=""),
            *setup_columns(points),
            TableColumn(key=score.key(), heading=score.name),
            TableColumn(key="energy_wh", heading=unit.name),
            TableColumn(key="energy_low_wh", heading="from"),
            TableColumn(key="energy_high_wh", heading="to"),
            TableColumn(key="seeds", heading="seeds"),
            *([TableColumn(key="studies", heading="of study")] if has_earlier else []),
        ),
        rows=tuple(
            (
                _kind(p),
                *setup_cells(p, points),
                *_numbers(p, unit, score),
                number_cell(p.seeds, 0),
                *([word_cell(", ".join(p.studies) or "this one")] if has_earlier else []),
            )
            for p in points
        ),
        breaks=tuple(
            i for i in range(1, len(points)) if points[i - 1].on_front > points[i].on_front
        ),
        legend=(
            "from, to: over the seeds, or with one the measurement's own interval; at least: stopped "
            f"early, a lower bound, with the {score.name} until then; failed: diverged or out of memory, no "
            "whole training"
        ),
    )


def _progress_table(
    info: SearchInfo, labels: Sequence[str], score: ScoreForm, of_study: EnergyUnit
) -> TableInfo:
    unit = TableUnit.of((each.spent_j for each in info.progress), of_study)
    return TableInfo(
        name="search_hypervolume",
        title=titled("Hypervolume of the front over the energy spent", labels),
        columns=(
            TableColumn(key="spent_wh", heading=f"spent {unit.name}"),
            TableColumn(key="hypervolume_percent", heading="hypervolume"),
        ),
        rows=tuple(
            (
                unit.cell(each.spent_j),
                number_cell(percent(each.hypervolume), 1),
            )
            for each in info.progress
        ),
        legend=f"% of {score.name} 0 to 1 x no energy to the costliest whole training",
    )


def _kind(point: SearchPoint) -> Cell:
    if point.failed:
        return word_cell("failed")
    return word_cell("front" if point.on_front else "at least" if point.stopped else "whole")


def _numbers(point: SearchPoint, unit: TableUnit, score: ScoreForm) -> tuple[Cell, ...]:
    energies_j = (point.energy_j, point.low_j, point.high_j)
    return (score.cell(point.accuracy), *(unit.cell(each) for each in energies_j))
