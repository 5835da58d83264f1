"""What checkpoints know of objects: the names of their parts, and where those parts keep their values.

A checkpoint's graph has a node for every `Trackable`, variable, list and dict that holds state, and an edge for every
attribute, index or key that leads from one to the other. An object that was restored before all its parts were there
remembers that; parts that it gets later are restored as they come.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from .variables import Variable

__all__ = ["Saveable", "SaveableTensors", "Trackable", "children_of", "holds_state", "restore_late_parts"]

_WAITING = "_waiting_restoration"


class Saveable:
    """Base of leaves other than variables. A checkpoint keeps one scalar string of each, under `_saved_as`."""

    _saved_as: ClassVar[str]

    def _save(self) -> bytes:
        """What to keep."""
        raise NotImplementedError(f"{type(self).__name__} must define `_save`.")

    def _load(self, saved: bytes) -> None:
        """Take back what was kept."""
        raise NotImplementedError(f"{type(self).__name__} must define `_load`.")


class SaveableTensors:
    """Base of leaves that keep several tensors: in checkpoints by suffix, under the key of `_saved_as`.

    In a graph what is kept is the session's: `held` is what it has for the object's handle.
    """

    _saved_as: ClassVar[str]

    def _tensor_names(self) -> list[str]:
        """The suffixes."""
        raise NotImplementedError

    def _save_tensors(self, held: Any = None) -> dict[str, Any]:
        """What to keep, arrays by suffix."""
        raise NotImplementedError

    def _load_tensors(self, saved: dict[str, Any], held: Any = None) -> None:
        """Take back what was kept."""
        raise NotImplementedError


class Trackable:
    """Base of objects whose parts are found in their attributes."""

    #: Attributes that hold state of others.
    _UNTRACKED: ClassVar[frozenset[str]] = frozenset()
    #: What Keras calls an attribute in its checkpoints, where that is not its name here.
    _CHECKPOINT_NAMES: ClassVar[Mapping[str, str]] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if _WAITING in self.__dict__ and name != _WAITING:
            restore_late_parts(self)

    def _trackable_children(self) -> dict[str, Any]:
        """The parts by name, in the order in which they were assigned."""
        return {
            self._CHECKPOINT_NAMES.get(name, name): value
            for name, value in vars(self).items()
            if name not in self._UNTRACKED and name != _WAITING and holds_state(value)
        }


def restore_late_parts(owner: Any) -> None:
    """Restore what an object has got since it was restored itself."""
    waiting = owner.__dict__.get(_WAITING)
    if waiting is not None:
        restoration, node = waiting
        restoration.match(owner, node)


def holds_state(value: Any) -> bool:
    """Whether a value is a part that checkpoints follow; lists and dicts are if one of their elements is."""
    if isinstance(value, Variable | Trackable | Saveable | SaveableTensors):
        return True
    if isinstance(value, list | tuple):
        return any(map(holds_state, value))
    return isinstance(value, Mapping) and any(map(holds_state, value.values()))


def children_of(value: Any) -> dict[str, Any]:
    """The parts of an object, list or dict by the names that lead to them.

    Raises `ValueError` for a dict of state whose keys are not strings.
    """
    if isinstance(value, Trackable):
        return value._trackable_children()
    if isinstance(value, list | tuple):
        return {str(i): item for i, item in enumerate(value) if holds_state(item)}
    if isinstance(value, Mapping):
        found = {key: item for key, item in value.items() if holds_state(item)}
        strange = [key for key in found if not isinstance(key, str)]
        if strange:
            raise ValueError(
                f"Unable to save the object {value!r} (a dictionary wrapper constructed automatically on attribute "
                f"assignment). The wrapped dictionary contains a non-string key which maps to a trackable object or "
                f"mutable data structure: {strange[0]!r}. Use strings as keys."
            )
        return found
    return {}
