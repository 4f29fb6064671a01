"""What earlier studies know: their finished trials, for a search that need not train them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from study.errors import OptionError, StorageError
from study.manifest import Manifest
from study.objectives import Objective, values_of
from study.records import EPOCHS_FILE
from study.replay_table import course_of, read_table
from study.results import StudyFolder
from study.search_space import Choice, Space


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A setup that an earlier study has trained.

    Attributes:
        choice: The setup.
        values: Its values, as Optuna takes them; None where only the setup is a hint, to be tried
            early.
        study: Where it comes from.
    """

    choice: Choice
    values: tuple[float, ...] | None
    study: str


def hints_from(
    places: Sequence[Path],
    manifest: Manifest,
    *,
    space: Space,
    objective: Objective,
    target: float | None,
    similar: bool,
) -> list[Hint]:
    """The finished trials of earlier studies that lie in the space, the first seed of each setup.

    Args:
        places: Folders of studies.
        manifest: Of the search.
        space: Of the search.
        objective: Of the search.
        target: Of the search.
        similar: Whether studies of other scenarios or data are taken, as setups without values.

    Raises:
        OptionError: A folder holds no study, or one of another scenario or of other data.
    """
    hints = []
    for place in places:
        earlier = _manifest(place)
        alike = (
            earlier.scenario == manifest.scenario
            and earlier.data.fingerprint == manifest.data.fingerprint
        )
        if not alike and not similar:
            message = (
                f"--from {place} is a study of {earlier.scenario} ({earlier.data.description}); "
                f"this one is of {manifest.scenario} ({manifest.data.description}). Values of other "
                "data mislead: give --from-similar to take only its setups as hints."
            )
            raise OptionError(message)
        table = read_table(place / EPOCHS_FILE)
        for choice, many in table.recordings.items():
            if len(choice) != len(space.axes) or not _within(choice, space):
                continue
            course = course_of(many[0], target=target)
            values = values_of(objective, course, max_epochs=table.longest) if alike else None
            hints.append(Hint(choice=choice, values=values, study=earlier.study))
    return hints


def _within(choice: Choice, space: Space) -> bool:
    return all(v in axis.values for v, axis in zip(choice, space.axes, strict=True))


def _manifest(place: Path) -> Manifest:
    try:
        return StudyFolder(str(place.resolve().parent), place.resolve().name).read_manifest()
    except StorageError as error:
        message = f"--from {place} holds no study that can be read: {error}"
        raise OptionError(message) from error
