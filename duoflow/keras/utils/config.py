"""Named values of a program: a dict whose items are attributes too, that can be frozen."""

from __future__ import annotations

import difflib
import json
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any

__all__ = ["Config"]


class Config:
    """Named values, read and written as attributes or items.

    Raises `ValueError` for changes once it is frozen, and `AttributeError` that names the closest for unknown names.

    >>> config = tf.keras.utils.Config(rate=0.1)
    >>> config.momentum = 0.9
    >>> config["momentum"], config.as_dict()
    (0.9, {'rate': 0.1, 'momentum': 0.9})
    >>> config.freeze()
    >>> config.rate = 0.2
    Traceback (most recent call last):
    ValueError: Cannot mutate attribute(s) because the config is frozen.

    Keras: keras.utils.Config.
    """

    __attrs__: set[str] | None = None

    def __init__(self, **kwargs: Any) -> None:
        self._config = kwargs
        self._frozen = False
        self.__attrs__ = set(dir(self))

    @property
    def frozen(self) -> bool:
        """Whether changes are refused."""
        return self._frozen

    def freeze(self) -> None:
        """Refuse changes from now on."""
        self._frozen = True

    def unfreeze(self) -> None:
        """Allow changes again."""
        self._frozen = False

    def _raise_if_frozen(self) -> None:
        if self._frozen:
            raise ValueError("Cannot mutate attribute(s) because the config is frozen.")

    def as_dict(self) -> dict[str, Any]:
        """A copy as a dict."""
        return dict(self._config)

    def to_json(self) -> str:
        """The values as JSON text."""
        return json.dumps(self._config)

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._config.keys()

    def values(self) -> ValuesView[Any]:
        """The values."""
        return self._config.values()

    def items(self) -> ItemsView[str, Any]:
        """Names and values."""
        return self._config.items()

    def pop(self, *args: Any) -> Any:
        """Remove a name and return its value, as `dict.pop`."""
        self._raise_if_frozen()
        return self._config.pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several values, as `dict.update`."""
        self._raise_if_frozen()
        self._config.update(*args, **kwargs)

    def get(self, keyname: str, value: Any = None) -> Any:
        """The value of a name, or another."""
        return self._config.get(keyname, value)

    def __setattr__(self, name: str, value: Any) -> None:
        known = object.__getattribute__(self, "__attrs__")
        if known is None or name in known:
            object.__setattr__(self, name, value)
        else:
            self[name] = value

    def __getattr__(self, name: str) -> Any:
        known = object.__getattribute__(self, "__attrs__")
        if known is None or name in known:  # while an object is made or copied
            return object.__getattribute__(self, name)
        if name in self._config:
            return self._config[name]
        close = difflib.get_close_matches(name, self._config, n=1, cutoff=0.7)
        raise AttributeError(f"Unknown attribute: '{name}'." + (f" Did you mean '{close[0]}'?" if close else ""))

    def __setitem__(self, key: str, item: Any) -> None:
        self._raise_if_frozen()
        self._config[key] = item

    def __getitem__(self, key: str) -> Any:
        return self._config[key]

    def __delitem__(self, key: str) -> None:
        self._raise_if_frozen()
        del self._config[key]

    def __contains__(self, item: object) -> bool:
        return item in self._config

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._config))

    def __len__(self) -> int:
        return len(self._config)

    def __repr__(self) -> str:
        return f"<Config {self._config}>"
