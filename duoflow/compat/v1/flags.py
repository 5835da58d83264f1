"""`tf.flags`: options of a command line, read when one is first asked for, or by `tf.app.run`.

TensorFlow: tf.compat.v1.flags (absl's flags).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

__all__ = [
    "DEFINE_bool", "DEFINE_boolean", "DEFINE_enum", "DEFINE_float", "DEFINE_integer", "DEFINE_list",
    "DEFINE_multi_integer", "DEFINE_multi_string", "DEFINE_string", "FLAGS", "DuplicateFlagError", "Error",
    "FlagValues",
    "IllegalFlagValueError", "UnparsedFlagAccessError", "UnrecognizedFlagError", "mark_flag_as_required",
    "mark_flags_as_required", "register_validator",
]  # fmt: skip


class Error(Exception):
    """Base of the errors of flags."""


class DuplicateFlagError(Error):
    """A flag was defined twice."""


class IllegalFlagValueError(Error):
    """A flag was given a value it cannot have."""


class UnrecognizedFlagError(Error):
    """A flag that is not defined was given."""


class UnparsedFlagAccessError(Error):
    """A flag was asked for before the command line was read."""


class _Flag:
    """One option: how its text is read, its default, and its value."""

    def __init__(self, name: str, parse: Callable[[str], Any], default: Any, help: str, many: bool = False) -> None:
        self.name, self.help, self.default, self.value = name, help, default, default
        self._parse, self._many, self.present = parse, many, False
        self.boolean = parse is _boolean
        self.required = False
        self.checks: list[tuple[Callable[[Any], Any], str]] = []

    def read(self, text: str) -> None:
        """Take a value from the command line."""
        try:
            value = self._parse(text)
        except ValueError as error:
            raise IllegalFlagValueError(f"flag --{self.name}={text}: {error}") from None
        self.value = [*(self.value if self.present else ()), value] if self._many else value
        self.present = True

    def check(self) -> None:
        """Raise if the value is missing or refused."""
        if self.required and self.value is None:
            raise IllegalFlagValueError(f"flag --{self.name}: Flag must have a value other than None.")
        for passes, message in self.checks:
            if not passes(self.value):
                raise IllegalFlagValueError(f"flag --{self.name}={self.value}: {message}")


def _boolean(text: str) -> bool:
    if text.lower() in ("true", "t", "1"):
        return True
    if text.lower() in ("false", "f", "0"):
        return False
    raise ValueError("Non-boolean argument to boolean flag")


class FlagValues:
    """The options by name: `FLAGS.batch_size`; called with a command line it reads it, and returns what is left.

    TensorFlow: tf.compat.v1.flags.FLAGS.
    """

    def __init__(self) -> None:
        vars(self)["_flags"] = {}
        vars(self)["_parsed"] = False

    def __call__(self, argv: Sequence[str], known_only: bool = False) -> list[str]:
        """Read a command line whose first item is the program."""
        rest, items = [argv[0]], list(argv[1:])
        while items:
            item = items.pop(0)
            if item == "--":
                rest += items
                break
            if not item.startswith("-") or item == "-":
                rest.append(item)
                continue
            self._take(item, items, rest, known_only)
        for flag in self._flags.values():
            flag.check()
        vars(self)["_parsed"] = True
        return rest

    def _take(self, item: str, items: list[str], rest: list[str], known_only: bool) -> None:
        name, separator, text = item.lstrip("-").partition("=")
        name = name.replace("-", "_") if name not in self._flags else name
        negated = name.removeprefix("no") if name not in self._flags and name.startswith("no") else ""
        flag = self._flags.get(negated or name)
        if flag is None or (negated and not flag.boolean):
            if known_only:
                rest.append(item)
                return
            raise UnrecognizedFlagError(f"Unknown command line flag '{name}'")
        if flag.boolean and not separator:
            text = "false" if negated else "true"
        elif not separator:
            if not items:
                raise Error(f"Missing value for flag {item}")
            text = items.pop(0)
        flag.read(text)

    def _define(self, flag: _Flag) -> None:
        if flag.name in self._flags:
            raise DuplicateFlagError(f"The flag '{flag.name}' is defined twice.")
        self._flags[flag.name] = flag

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self._flags:
            raise AttributeError(name)
        if not self._parsed:
            self(sys.argv, known_only=True)
        return self._flags[name].value

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._flags:
            raise AttributeError(f"There is no flag {name!r}: define it first.")
        self._flags[name].value = value
        self._flags[name].present = True

    def __getitem__(self, name: str) -> Any:
        return self._flags[name]

    def __contains__(self, name: str) -> bool:
        return name in self._flags

    def __iter__(self) -> Any:
        return iter(self._flags)

    def __len__(self) -> int:
        return len(self._flags)

    def __delattr__(self, name: str) -> None:
        del self._flags[name]

    def flag_values_dict(self) -> dict[str, Any]:
        """The values by name."""
        return {name: flag.value for name, flag in self._flags.items()}

    def is_parsed(self) -> bool:
        """Whether the command line was read."""
        return bool(self._parsed)

    def mark_as_parsed(self) -> None:
        """Take the defaults without reading the command line."""
        vars(self)["_parsed"] = True

    def unparse_flags(self) -> None:
        """Let the command line be read again."""
        vars(self)["_parsed"] = False

    def get_help(self) -> str:
        """What `--help` prints."""
        lines = [f"  --{n}: {f.help}\n    (default: {f.default!r})" for n, f in sorted(self._flags.items())]
        return "\n".join(lines)


FLAGS = FlagValues()


def _definer(name: str, parse: Callable[[str], Any], what: str, many: bool = False) -> Callable[..., None]:
    def define(
        name: str, default: Any = None, help: str = "", flag_values: FlagValues = FLAGS, required: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        if isinstance(default, str) and not many and parse is not str:
            default = parse(default)
        flag = _Flag(name, parse, default, help, many)
        flag.required = required
        low, high = kwargs.get("lower_bound"), kwargs.get("upper_bound")
        if low is not None:
            flag.checks.append((lambda v: v is None or v >= low, f"it must be at least {low}"))
        if high is not None:
            flag.checks.append((lambda v: v is None or v <= high, f"it must be at most {high}"))
        flag_values._define(flag)

    define.__name__ = define.__qualname__ = name
    define.__doc__ = f"Define an option that is {what}. TensorFlow: tf.compat.v1.flags.{name}."
    return define


DEFINE_string = _definer("DEFINE_string", str, "a string")
DEFINE_integer = _definer("DEFINE_integer", lambda text: int(text, 0), "a whole number")
DEFINE_float = _definer("DEFINE_float", float, "a number")
DEFINE_boolean = DEFINE_bool = _definer("DEFINE_boolean", _boolean, "true or false")
DEFINE_list = _definer("DEFINE_list", lambda text: [t.strip() for t in text.split(",") if t.strip()], "a list")
DEFINE_multi_string = _definer("DEFINE_multi_string", str, "given several times", many=True)
DEFINE_multi_integer = _definer("DEFINE_multi_integer", int, "a number, given several times", many=True)


def DEFINE_enum(
    name: str, default: Any, enum_values: Sequence[str], help: str = "", flag_values: FlagValues = FLAGS, **kwargs: Any
) -> None:
    """Define an option that is one of some strings. TensorFlow: tf.compat.v1.flags.DEFINE_enum."""

    def parse(text: str) -> str:
        if text not in enum_values:
            raise ValueError(f"value should be one of <{'|'.join(enum_values)}>")
        return text

    flag_values._define(_Flag(name, parse, default, help))


def mark_flag_as_required(flag_name: str, flag_values: FlagValues = FLAGS) -> None:
    """Let an option be missing no more. TensorFlow: tf.compat.v1.flags.mark_flag_as_required."""
    flag_values[flag_name].required = True


def mark_flags_as_required(flag_names: Sequence[str], flag_values: FlagValues = FLAGS) -> None:
    """Let options be missing no more. TensorFlow: tf.compat.v1.flags.mark_flags_as_required."""
    for name in flag_names:
        mark_flag_as_required(name, flag_values)


def register_validator(
    flag_name: str, checker: Callable[[Any], Any], message: str = "Flag validation failed",
    flag_values: FlagValues = FLAGS,
) -> None:  # fmt: skip
    """Let a function accept or refuse an option's value. TensorFlow: tf.compat.v1.flags.register_validator."""
    flag_values[flag_name].checks.append((checker, message))
