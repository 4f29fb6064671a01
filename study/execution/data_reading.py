"""Reading of a study's data, with progress on the console and clear errors from the scenario's own code."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console

from study.axes.variants import with_variants
from study.data.progress import progress_to
from study.errors import ScenarioError, StudyError, raised_text
from study.options import StudyOptions
from study.record.manifest import DataFacts, SetupFacts
from study.scenario import Data, Scenario


def read_data(
    scenario: Scenario, setups: Sequence[SetupFacts], options: StudyOptions, console: Console
) -> tuple[Data, DataFacts]:
    """Read the data for all setups and show progress.

    Args:
        scenario: Scenario that loads the data.
        setups: Known setups; some may need their own variant of the data.
        options: Options of the command: `data_dir`, `seed` and the scenario's own.
        console: Console that shows the progress.

    Returns:
        The data, and the facts about them for the manifest.

    Raises:
        StudyError: The data cannot be read.
    """

    def load(one: Scenario) -> Data:
        try:
            loaded: object = one.load(options.data_dir, seed=options.seed)
        except StudyError:
            raise
        except Exception as error:
            # `load` is the user's code, and may raise anything.
            message = f"scenario {one.name}: load(data_dir={options.data_dir}) raises {raised_text(error, whole=True)}"
            raise ScenarioError(message) from error
        if not isinstance(loaded, Data):
            got = "nothing" if loaded is None else f"a {type(loaded).__name__}"
            message = (
                f"scenario {one.name}: load(data_dir={options.data_dir}) returns {got}; it must return "
                "study.Data(train=..., val=..., synthetic=..., description=...)."
            )
            raise ScenarioError(message)
        return loaded

    with _shown(console):
        data = load(scenario)
        data = with_variants(scenario, data, setups, options.scenario_options, load=load)
        return data, data.facts()


@contextmanager
def _shown(console: Console) -> Iterator[None]:
    """Show progress while the data are read, if the console is an interactive terminal."""
    if not console.is_interactive:
        yield
        return
    with console.status("reading the data") as status, progress_to(status.update):
        yield
