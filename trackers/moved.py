"""Modules of version 0.1, whose imports are answered with where their content is now."""

import sys
from collections.abc import Mapping
from typing import final


@final
class MovedModules:
    """The last finder that an import asks: nobody else has found the module.

    It finds nothing either; it says what the import was looking for.
    """

    def __init__(self, moved: Mapping[str, str]) -> None:
        """Know some modules.

        Args:
            moved: Place of their content by their old names.
        """
        self._moved = moved

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Answer an old module, and what is imported from a package that has an old module's name.

        Raises:
            ModuleNotFoundError: It is one of them.
        """
        del path, target
        old = name if name in self._moved else name.rpartition(".")[0]
        if old in self._moved:
            # Not with the module's name as `name`: `from package import old` would drop these words.
            message = (
                f"what was in {old} is in {self._moved[old]} since version 0.2 (docs/upgrading.md)"
            )
            raise ModuleNotFoundError(message)


def answer_old_imports(moved: Mapping[str, str]) -> None:
    """Have imports of modules that have moved say where to, instead of that there is none.

    Args:
        moved: Place of their content by their old names.
    """
    sys.meta_path.append(MovedModules(moved))
