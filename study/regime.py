"""`python -m study.regime`: which batch size and learning rate train with the least energy?

The paper's training regime (arXiv 2401.01851, Tables 1 and 2, Figure 3): encoder and classifier are
trained together for each of 16 setups, each repeat with a seed of its own, with early stopping on
the validation accuracy.
"""

from collections.abc import Sequence

from study.command.running import main as run_command
from study.design import Design
from study.record.vocabulary import Paradigm, Stage
from study.repeats.options import ComparisonOptions
from study.store.grid import grid_of
from trackers import process_end, terminal

DESIGN = Design(
    paradigm=Paradigm.REGIME,
    stages=lambda _: (Stage.ENCODER_CLASSIFIER,),
    setups=grid_of,
)

DESCRIPTION = """Train a network for each batch size and learning rate, and measure what each costs.

Without options: the 16 setups of the paper, twice, on a built-in synthetic sample of PAMAP2.
It ends with the energy per epoch, the total energy, a ranking and a recommendation.

  python -m study.regime --smoke                                   try it out (a minute)
  python -m study.regime --scenario watch                          real smartwatch data
  python -m study.regime --data-dir data/pamap2                    the real PAMAP2
  python -m study.regime --sure 0.9                                more repeats, where they decide
  python -m study.regime --address auto --results-dir /shared      on a Ray cluster
  python -m study.regime --name NAME --resume                      resume after an interruption
"""


def main(args: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    return run_command(
        DESIGN,
        program="study.regime",
        description=DESCRIPTION,
        args=args,
        options_of=ComparisonOptions,
    )


if __name__ == "__main__":
    process_end.leave(terminal.run(main))
