"""`tf.contrib.training`: hyperparameters by name."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["HParams"]


class HParams:
    """Named hyperparameters, each of which keeps its type.

    TensorFlow: tf.contrib.training.HParams.
    """

    def __init__(self, hparam_def: Any = None, model_structure: Any = None, **kwargs: Any) -> None:
        for name, value in kwargs.items():
            self.add_hparam(name, value)

    def add_hparam(self, name: str, value: Any) -> None:
        """Add one; `ValueError` if there is one of that name."""
        if name in vars(self):
            raise ValueError(f"Hyperparameter name is reserved: {name}")
        setattr(self, name, value)

    def set_hparam(self, name: str, value: Any) -> None:
        """Change one; `KeyError` if there is none of that name, `ValueError` if it is of another type."""
        held = vars(self)[name]
        setattr(self, name, _like(name, held, value))

    def override_from_dict(self, values_dict: dict[str, Any]) -> HParams:
        """Change several."""
        for name, value in values_dict.items():
            self.set_hparam(name, value)
        return self

    def parse(self, values: str) -> HParams:
        """Change those in a text such as "rate=0.1,layers=[1,2]"."""
        for name, text in _pairs(values):
            held = vars(self).get(name)
            if name not in vars(self):
                raise ValueError(f"Unknown hyperparameter: {name}")
            self.set_hparam(
                name, text if isinstance(held, str) else json.loads(text.lower() if isinstance(held, bool) else text)
            )
        return self

    def parse_json(self, values_json: str) -> HParams:
        """Change those in a JSON object."""
        return self.override_from_dict(json.loads(values_json))

    def values(self) -> dict[str, Any]:
        """All by name."""
        return dict(vars(self))

    def to_json(self, **kwargs: Any) -> str:
        """All as a JSON object."""
        return json.dumps(vars(self), **kwargs)

    def get(self, key: str, default: Any = None) -> Any:
        """One, or a default."""
        return vars(self).get(key, default)

    def __contains__(self, key: str) -> bool:
        return key in vars(self)

    def __repr__(self) -> str:
        return f"HParams({', '.join(f'{k}={v!r}' for k, v in sorted(vars(self).items()))})"


def _like(name: str, held: Any, value: Any) -> Any:
    if isinstance(held, bool) != isinstance(value, bool) and held is not None:
        raise ValueError(f"Hyperparameter {name} is {type(held).__name__}, received {value!r}.")
    if isinstance(held, float) and isinstance(value, int):
        return float(value)
    if held is not None and not isinstance(value, type(held)):
        raise ValueError(f"Hyperparameter {name} is {type(held).__name__}, received {value!r}.")
    return value


def _pairs(text: str) -> list[tuple[str, str]]:
    """The items of "a=1,b=[2,3]", split at commas outside brackets."""
    items, depth, start = [], 0, 0
    for i, c in enumerate(text + ","):
        depth += (c == "[") - (c == "]")
        if c == "," and depth == 0:
            items.append(text[start:i])
            start = i + 1
    return [(name.strip(), value.strip()) for name, _, value in (item.partition("=") for item in items if item.strip())]
