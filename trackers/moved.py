"""Import errors for modules of version 0.1 that name the module which replaces them."""

import sys
from collections.abc import Mapping
from typing import final


@final
class MovedModules:
    """Import finder that raises a helpful error for a moved module.

    It comes last in `sys.meta_path`, so it is asked only when no other finder has found the module. It
    never finds one itself.
    """

    def __init__(self, moved: Mapping[str, str]) -> None:
        """Create a finder for some modules.

        Args:
            moved: Present module by the old module's name.
        """
        self._moved = moved

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Raise for an old module, and for a submodule of a package that has an old module's name.

        Raises:
            ModuleNotFoundError: `name` is such a module; the message says where its content is now.
        """
        del path, target
        old = name if name in self._moved else name.rpartition(".")[0]
        if old in self._moved:
            # The error's `name` is left unset: with it, `from package import old` would replace this
            # message by its own.
            message = (
                f"what was in {old} is in {self._moved[old]} since version 0.2 (docs/upgrading.md)"
            )
            raise ModuleNotFoundError(message)


def answer_old_imports(moved: Mapping[str, str]) -> None:
    """Make imports of moved modules fail with a message that says where their content is now.

    Args:
        moved: Present module by the old module's name.
    """
    sys.meta_path.append(MovedModules(moved))
