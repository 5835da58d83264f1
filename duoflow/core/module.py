"""`tf.Module`: an object that finds the variables and modules in its attributes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .context import name_scope
from .trackable import Trackable
from .variables import Variable

__all__ = ["Module"]

_NAME = re.compile(r"^[A-Za-z_]\w*$")


def camel_to_snake(name: str) -> str:
    """`MyDense` as `my_dense`."""
    return re.sub(r"((?<=[a-z0-9])[A-Z]|(?!^)(?<!_)[A-Z](?=[a-z]))", r"_\1", name).lower()


class Module(Trackable):
    """Base of objects that own variables, directly or in lists, dicts and other modules among their attributes.

    >>> class Affine(tf.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.w = tf.Variable([[1.0]], name="w")
    >>> [v.name for v in Affine().trainable_variables]
    ['w:0']

    TensorFlow: tf.Module.
    """

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = camel_to_snake(type(self).__name__)
        elif not _NAME.match(name):
            raise ValueError(
                f"'{name}' is not a valid module name. Module names must be valid Python identifiers "
                "(e.g. a valid class name)."
            )
        self._name = name
        with name_scope(name) as scope:
            self._scope_name = scope

    @property
    def name(self) -> str:
        """The name as given, or the class's in snake case."""
        return self._name

    @property
    def name_scope(self) -> Any:
        """The name scope of the module's variables."""
        return name_scope(self._scope_name)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """All variables, in order of attribute names, depth first."""
        return tuple(self._flatten(lambda x: isinstance(x, Variable), expand=True))

    @property
    def trainable_variables(self) -> tuple[Variable, ...]:
        """The variables that gradient tapes watch."""
        return tuple(self._flatten(lambda x: isinstance(x, Variable) and x.trainable, expand=True))

    @property
    def non_trainable_variables(self) -> tuple[Variable, ...]:
        """The other variables."""
        return tuple(self._flatten(lambda x: isinstance(x, Variable) and not x.trainable, expand=True))

    @property
    def submodules(self) -> tuple[Module, ...]:
        """All modules below this one."""
        return tuple(self._flatten(lambda x: isinstance(x, Module), expand=True))

    def _flatten(
        self,
        predicate: Callable[[Any], bool] | None = None,
        attribute_traversal_key: Callable[[str], Any] | None = None,
        with_path: bool = False,
        expand: bool = True,
    ) -> Iterator[Any]:
        seen = {id(self)}
        for path, value in _walk(self, (), seen, attribute_traversal_key):
            if predicate is None or predicate(value):
                yield (path, value) if with_path else value

    @classmethod
    def with_name_scope(cls, method: Callable[..., Any]) -> Callable[..., Any]:
        """Make a method enter the module's name scope."""

        def scoped(self: Module, *args: Any, **kwargs: Any) -> Any:
            with self.name_scope:
                return method(self, *args, **kwargs)

        scoped.__name__, scoped.__doc__, scoped.__wrapped__ = method.__name__, method.__doc__, method  # type: ignore[attr-defined]
        return scoped


_INTERNAL = {"_name", "_scope_name", "_self_unconditional_checkpoint_dependencies"}


def _walk(module: Any, path: tuple[Any, ...], seen: set[int], key: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Variables and modules below, level by level within each module."""
    attributes = {k: v for k, v in vars(module).items() if k not in _INTERNAL}
    inner: list[tuple[tuple[Any, ...], Any]] = []
    for name in sorted(attributes, key=key):
        for sub, leaf in _leaves(attributes[name], (*path, name)):
            if not isinstance(leaf, (Variable, Module)) or id(leaf) in seen:
                continue
            seen.add(id(leaf))
            yield sub, leaf
            if isinstance(leaf, Module):
                inner.append((sub, leaf))
    for sub, leaf in inner:
        yield from _walk(leaf, sub, seen, key)


def _leaves(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, Mapping):
        for k in value if not _sortable(value) else sorted(value):
            yield from _leaves(value[k], (*path, k))
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from _leaves(item, (*path, i))
    else:
        yield path, value


def _sortable(mapping: Mapping[Any, Any]) -> bool:
    return all(isinstance(k, str) for k in mapping)
