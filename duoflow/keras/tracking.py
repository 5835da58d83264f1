"""Finding the state of an object: what is assigned to a layer's attributes is sorted into its stores.

Classes whose instances are tracked say where with `_tracked_as` ("layers", "metrics", "seed_generators"); variables go
to "trainable_variables" or "non_trainable_variables". Lists, dicts and sets are wrapped so that later additions count.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from duoflow.core import nest

from .state import session
from .variables import Variable

__all__ = ["KerasSaveable", "Tracker", "untracked"]

STORES = ("trainable_variables", "non_trainable_variables", "metrics", "layers", "seed_generators")


class KerasSaveable:
    """Base of what the saving code walks: layers, optimizers, metrics, losses."""

    def _obj_type(self) -> str:
        """The kind of object; its own attributes are not searched for children."""
        raise NotImplementedError(f"{type(self).__name__} must implement `_obj_type`.")


@contextlib.contextmanager
def untracked() -> Iterator[None]:
    """Assign attributes inside without tracking them."""
    session.untracked += 1
    try:
        yield
    finally:
        session.untracked -= 1


def store_of(value: Any) -> str | None:
    """Where a value is kept, or None if it is no state."""
    if isinstance(value, Variable):
        return "trainable_variables" if value.trainable else "non_trainable_variables"
    return getattr(type(value), "_tracked_as", None)


class Tracker:
    """The stores of one object: lists without duplicates, by identity. Locked, it refuses new state."""

    def __init__(self) -> None:
        self.stores: dict[str, list[Any]] = {name: [] for name in STORES}
        self.locked = False

    def track(self, value: Any) -> Any:
        """Keep a value if it is state; containers come back wrapped."""
        if session.untracked:
            return value
        store = store_of(value)
        if store is not None:
            self.add(store, value)
            return value
        if isinstance(value, (TrackedList, TrackedDict, TrackedSet)):
            return value
        if type(value) is tuple or isinstance(value, tuple) and hasattr(value, "_fields"):
            items = [self.track(item) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        wrapper = _WRAPPERS.get(type(value))
        return value if wrapper is None else wrapper(value, self)

    def add(self, store: str, value: Any) -> None:
        """Keep a value in a store."""
        if any(value is known for name in _shared(store) for known in self.stores[name]):
            return
        if self.locked:
            raise ValueError(
                "You cannot add new elements of state (variables or sub-layers) to a layer that is already built. All "
                f"state must be created in the `__init__()` method or in the `build()` method. Received: {value}"
            )
        self.stores[store].append(value)

    def untrack(self, value: Any) -> None:
        """Forget a value."""
        for items in self.stores.values():
            items[:] = [item for item in items if item is not value]


def _shared(store: str) -> tuple[str, ...]:
    """A variable whose `trainable` was switched stays in the store it was first put into."""
    return ("trainable_variables", "non_trainable_variables") if store.endswith("variables") else (store,)


class TrackedList(list):  # type: ignore[type-arg]
    """A list whose elements are tracked."""

    def __init__(self, values: Iterable[Any] = (), tracker: Tracker | None = None) -> None:
        self._tracker = tracker
        super().__init__(self._track(value) for value in values)

    def _track(self, value: Any) -> Any:
        return value if self._tracker is None else self._tracker.track(value)

    def _drop(self, value: Any) -> None:
        if self._tracker is not None:
            self._tracker.untrack(value)

    def append(self, value: Any) -> None:
        super().append(self._track(value))

    def insert(self, index: Any, value: Any) -> None:
        super().insert(index, self._track(value))

    def extend(self, values: Iterable[Any]) -> None:
        super().extend([self._track(value) for value in values])

    def __iadd__(self, values: Any) -> TrackedList:  # type: ignore[misc,override]
        self.extend(values)
        return self

    def __setitem__(self, index: Any, value: Any) -> None:
        value = [self._track(v) for v in value] if isinstance(index, slice) else self._track(value)
        super().__setitem__(index, value)

    def remove(self, value: Any) -> None:
        self._drop(value)
        super().remove(value)

    def pop(self, index: Any = -1) -> Any:
        value = super().pop(index)
        self._drop(value)
        return value

    def clear(self) -> None:
        for value in self:
            self._drop(value)
        super().clear()

    def __delitem__(self, index: Any) -> None:
        for value in self[index] if isinstance(index, slice) else [self[index]]:
            self._drop(value)
        super().__delitem__(index)

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)


class TrackedDict(dict):  # type: ignore[type-arg]
    """A dict whose values are tracked."""

    def __init__(self, values: Any = (), tracker: Tracker | None = None) -> None:
        self._tracker = tracker
        super().__init__({key: self._track(value) for key, value in dict(values).items()})

    def _track(self, value: Any) -> Any:
        return value if self._tracker is None else self._tracker.track(value)

    def _drop(self, value: Any) -> None:
        if self._tracker is not None:
            self._tracker.untrack(value)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, self._track(value))

    def setdefault(self, key: Any, default: Any = None) -> Any:
        return super().setdefault(key, self._track(default))

    def update(self, *mapping: Any, **values: Any) -> None:
        super().update({key: self._track(value) for key, value in dict(*mapping, **values).items()})

    def pop(self, key: Any, *default: Any) -> Any:
        value = super().pop(key, *default)
        self._drop(value)
        return value

    def popitem(self) -> Any:
        key, value = super().popitem()
        self._drop(value)
        return key, value

    def clear(self) -> None:
        for value in self.values():
            self._drop(value)
        super().clear()

    def __delitem__(self, key: Any) -> None:
        self._drop(self[key])
        super().__delitem__(key)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


class TrackedSet(set):  # type: ignore[type-arg]
    """A set whose elements are tracked."""

    def __init__(self, values: Iterable[Any] = (), tracker: Tracker | None = None) -> None:
        self._tracker = tracker
        super().__init__(self._track(value) for value in values)

    def _track(self, value: Any) -> Any:
        return value if self._tracker is None else self._tracker.track(value)

    def add(self, value: Any) -> None:
        super().add(self._track(value))

    def update(self, *others: Iterable[Any]) -> None:
        super().update(*([self._track(value) for value in values] for values in others))

    def remove(self, value: Any) -> None:
        if self._tracker is not None:
            self._tracker.untrack(value)
        super().remove(value)

    def __reduce__(self) -> tuple[Any, ...]:
        return set, (set(self),)


_WRAPPERS: dict[type, Any] = {list: TrackedList, dict: TrackedDict, set: TrackedSet}

nest.register(TrackedList, lambda x: (list(x), None), lambda _, children: list(children))
nest.register(
    TrackedDict,
    lambda x: ([x[key] for key in sorted(x)], tuple(sorted(x))),
    lambda keys, children: dict(zip(keys, children, strict=True)),
)
