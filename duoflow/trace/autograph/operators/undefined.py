"""Variables without a value: what converted code puts where Python would have nothing."""

import inspect
from collections.abc import Callable
from typing import Any, NoReturn


class Undefined:
    """Stands for a variable that is not assigned; any use says so. `why` tells what became of it in a graph."""

    __slots__ = ("name", "why")

    def __init__(self, name: str, why: str = "") -> None:
        self.name = name
        self.why = why

    def use(self) -> NoReturn:
        """Raise as Python does, or `ValueError` where a tensor decides whether the variable has a value."""
        if self.why:
            raise ValueError(self.why)
        raise UnboundLocalError(f"cannot access local variable '{self.name}' where it is not associated with a value")

    def __repr__(self) -> str:
        return f"<undefined variable '{self.name}'>"

    def _used(self, *args: Any) -> NoReturn:
        self.use()

    __call__ = __getitem__ = __iter__ = __len__ = __bool__ = __float__ = __int__ = __index__ = __eq__ = __ne__ = _used
    __lt__ = __le__ = __gt__ = __ge__ = __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = _used
    __truediv__ = __rtruediv__ = __floordiv__ = __mod__ = __pow__ = __matmul__ = __and__ = __or__ = __contains__ = _used
    __hash__ = None  # type: ignore[assignment]


class UndefinedReturn(Undefined):
    """The result of a function before its `return`; the flag beside it says whether it counts."""

    def __init__(self) -> None:
        super().__init__("return value")


def ld(value: Any) -> Any:
    """A read of a variable that may be undefined."""
    if isinstance(value, Undefined):
        value.use()
    return value


def ldu(read: Callable[[], Any], name: str) -> Any:
    """The value of an attribute, or an Undefined where there is none."""
    try:
        return read()
    except (AttributeError, UnboundLocalError, NameError, KeyError):
        return Undefined(name)


def put_back(owner: Any, attribute: str, value: Any) -> None:
    """Give an attribute a former value: delete it if it had none, leave it alone if it has that value."""
    current = inspect.getattr_static(owner, attribute, None) if isinstance(value, Undefined) else None
    if not isinstance(value, Undefined):
        setattr(owner, attribute, value)
    elif current is not None:
        delattr(owner, attribute)
