"""Errors for names of earlier versions, which say the present name: modules, attributes, keywords."""

import functools
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, final

_Class = TypeVar("_Class", bound=type)


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
                f"in version 0.2, what was in {old} moved to {self._moved[old]} (docs/upgrading.md)"
            )
            raise ModuleNotFoundError(message)


def answer_old_imports(moved: Mapping[str, str]) -> None:
    """Make imports of moved modules fail with a message that says where their content is now.

    Args:
        moved: Present module by the old module's name.
    """
    sys.meta_path.append(MovedModules(moved))


def renamed(old: str, new: str) -> str:
    """Return the message about a name that another one replaced in version 0.3."""
    return f"{old} was renamed to {new} in version 0.3 (docs/upgrading.md)"


def answer_old_names(**present: str) -> Callable[[_Class], _Class]:
    """Make uses of a class's old names fail with a message that gives the present names.

    Old names are those of attributes, methods and keywords of the constructor. They fail with the type of
    error that any unknown name has.

    Args:
        **present: Present name by old name.
    """

    def answering(kind: _Class) -> _Class:
        changed: Any = kind
        init = changed.__init__

        def unknown(self: object, name: str) -> Any:  # noqa: ANN401 - it only raises
            if name in present:
                raise AttributeError(renamed(f"{kind.__name__}.{name}", present[name]))
            return object.__getattribute__(self, name)  # raises Python's own error

        @functools.wraps(init)
        def checked(self: object, *args: Any, **given: Any) -> None:  # noqa: ANN401 - as the class takes
            for old in present.keys() & given.keys():
                raise TypeError(renamed(f"{old} of {kind.__name__}", present[old]))
            init(self, *args, **given)

        changed.__getattr__, changed.__init__ = unknown, checked
        return kind

    return answering
