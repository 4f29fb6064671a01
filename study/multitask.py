"""`python -m study.multitask`: do several tasks train cheaper together than one by one?

The paper's multitask paradigm (arXiv 2401.01851, Figures 2 and 5, Table 4): for each setup, every
task is trained alone, and all tasks are trained together on a shared encoder. With two tasks the joint
loss is alpha x the first + (1 - alpha) x the second; in the paper, whose tasks are the attributes and
the identity of faces, alpha is the weight of the attributes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from study.command.running import main as run_command
from study.design import Design
from study.errors import refuse
from study.options import tyro_arg, tyro_optional_arg
from study.record.manifest import SetupFacts
from study.record.vocabulary import Paradigm
from study.repeats.options import ComparisonOptions
from study.scenario import Multitask, Scenario
from study.store.grid import grid_of
from study.store.tasks import not_multitask, stages_of_tasks, weighted
from trackers import process_end, terminal


@dataclass(frozen=True, kw_only=True)
class MultitaskOptions(ComparisonOptions):
    """Options of `study.multitask`.

    Attributes:
        scenario: celeba, or your own with two or more tasks: path/to/file.py:Name or
            package.module:name.
        alpha: With two tasks: weight of the first task's loss in the joint training, between 0 and 1;
            several values add an axis to the grid; if omitted, 0.5.
        task_weights: With three or more tasks: TASK=WEIGHT for each; if omitted, all have equal weight.
    """

    scenario: Annotated[str, tyro_arg("NAME")] = "celeba"
    alpha: Annotated[tuple[float, ...] | None, tyro_optional_arg("SHARE ...")] = None
    task_weights: Annotated[tuple[str, ...], tyro_optional_arg("TASK=WEIGHT ...")] = ()

    def __post_init__(self) -> None:
        """Validate all options.

        Raises:
            OptionError: An option has a value that is not allowed; the first one found is named.
        """
        super().__post_init__()
        if self.alpha is None:
            return
        for each in self.alpha:
            if not 0 <= each <= 1:
                refuse(f"--alpha is {each:g}", "shares from 0 to 1")
        if not self.alpha or len(set(self.alpha)) < len(self.alpha):
            got = " ".join(map(str, self.alpha)) or "nothing"
            refuse(f"--alpha is {got}", "one value or more, each once")


def setups(options: MultitaskOptions, scenario: Scenario) -> tuple[SetupFacts, ...]:
    """Return the setups of the grid, with the task weights as its innermost axis.

    Raises:
        ScenarioError: The scenario has no tasks.
        OptionError: The weights do not match the scenario's tasks.
    """
    if not isinstance(scenario, Multitask):
        raise not_multitask(scenario)
    further = weighted(scenario.tasks, alphas=options.alpha, weights=options.task_weights)
    return grid_of(options, scenario, further)


DESIGN = Design(paradigm=Paradigm.MULTITASK, stages=stages_of_tasks, setups=setups)

DESCRIPTION = """Train each task alone, and all of them together with one encoder.

It ends with the energy of all tasks together against the trainings one by one, and what that does
to the accuracy of each. Early stopping watches the accuracy of the task; with several, their mean.

  python -m study.multitask --smoke                            try it out
  python -m study.multitask --data-dir data/celeba             the real CelebA
  python -m study.multitask --alpha 0.25 0.5 0.75              weights of the first task's loss
  python -m study.multitask --scenario mine.py:Mine --task-weights a=2 b=1 c=1
  python -m study.multitask --name NAME --resume               resume after an interruption
"""


def main(args: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    return run_command(
        DESIGN,
        program="study.multitask",
        description=DESCRIPTION,
        args=args,
        options_of=MultitaskOptions,
    )


if __name__ == "__main__":
    process_end.leave(terminal.run(main))
