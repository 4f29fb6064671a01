"""Create the energy forecast of a study: which trials it will have, and what may end it early."""

import math
from collections.abc import Sequence

from study.execution.live.outlook import Outlook
from study.execution.trial_source import TrialSource
from study.options import StudyOptions
from study.record.files import J_PER_WH
from study.record.manifest import Manifest
from study.record.search.goal import most_epochs
from study.record.vocabulary import Paradigm
from study.store.recorder import Recorder
from study.store.setups import TrialPlan, trial_plan, trial_plans
from study.store.stage_order import chosen_stages
from study.training.recipe import validations_of


def outlook_of(
    options: StudyOptions, manifest: Manifest, *, source: TrialSource, recorder: Recorder
) -> Outlook | None:
    """Return the forecast of a study while it runs.

    Args:
        options: Options of the command.
        manifest: Manifest of the study.
        source: Source of its trials.
        recorder: Recorder that holds their rows.

    Returns:
        The outlook; None if nothing can be forecast: for a search without an energy budget, and if
        `--validate-every` counts steps, so that a trial's number of rows is not known in advance.
    """
    every, budget_wh = options.validate_every, manifest.options.get("energy_budget_wh")
    is_search = manifest.paradigm is Paradigm.SEARCH
    if (is_search and budget_wh is None) or (every is not None and every >= 1):
        return None
    most = most_epochs(manifest.options)
    by_number = {each.setup: each for each in manifest.setups}
    first = trial_plans(manifest.setups, manifest.seeds, shuffle_seed=options.seed)

    def plans() -> Sequence[TrialPlan]:
        if is_search:
            return ()  # how many trials a search will propose is not known
        begun = [trial_plan(by_number[f.setup], f.seed) for f in source.further]
        known = [*first, *begun]
        # The setups of trials to come are decided late; assume here that each has its turn.
        seed = max((each.seed for each in known), default=0) + 1
        places = range(0 if source.may_grow else max(0, source.expected - len(known)))
        setups = manifest.setups
        coming = [
            trial_plan(setups[place % len(setups)], seed + place // len(setups)) for place in places
        ]
        return [*known, *coming]

    def validations(plan: TrialPlan) -> int:
        steps = math.ceil((manifest.data.train_samples or 1) / plan.batch_size_and_rate[0])
        return validations_of(steps, every)

    return Outlook(
        plans=plans,
        validations=validations,
        may_grow=lambda: source.may_grow,
        budget_j=None if budget_wh is None else budget_wh * J_PER_WH,
        stages=lambda plan: chosen_stages(manifest.stages, plan.chosen),
        epochs_of=recorder.epochs_of,
        trial_of=recorder.trial,
        objective=manifest.objective,
        max_epochs=most,
        patience=options.patience * most // options.max_epochs,
    )
