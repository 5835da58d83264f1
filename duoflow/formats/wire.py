"""Protocol buffers: messages as Python classes, their wire format, and their text form.

A message is a class with a `Field` per field:

    class VersionDef(Message):
        producer = Field(1, "int32")
        bad_consumers = Field(3, "int32", repeated=True)

Its objects behave as those of Google's library do: keyword constructors, sub-messages that appear when they are first
written to, `add` on repeated messages, dictionaries for maps, `SerializeToString` and `ParseFromString`. Fields that we
do not know are kept as they came. Damaged data raises `DecodeError`; nothing nests deeper than `MAX_DEPTH`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

__all__ = ["DecodeError", "Field", "Message", "read_varint", "write_varint"]

MAX_DEPTH = 100
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class DecodeError(ValueError):
    """The bytes are not a message of this kind."""


# -- numbers -----------------------------------------------------------------------------------------------------------


def write_varint(value: int) -> bytes:
    """A number in groups of seven bits, the lowest first; negative ones as 64 bits."""
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: Any, at: int) -> tuple[int, int]:
    """A number and the place behind it."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise DecodeError("Truncated or endless number in a message.")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7


class _Scalar(NamedTuple):
    """A kind of number or string: how it is held and written."""

    wire: int
    default: Any
    encode: Callable[[Any], bytes]
    decode: Callable[[Any], Any]
    coerce: Callable[[Any], Any]
    numpy: str = ""


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _signed32(value: int) -> int:
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if not isinstance(value, str):
        raise TypeError(f"{value!r} has type {type(value).__name__}, but expected one of: (bytes, str)")
    return value


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8")
    return bytes(value)


def _packed(code: str) -> tuple[Callable[[Any], bytes], Callable[[Any], Any]]:
    form = struct.Struct("<" + code)
    return form.pack, lambda data: form.unpack(data)[0]


_SCALARS: dict[str, _Scalar] = {
    "int32": _Scalar(_VARINT, 0, write_varint, _signed32, int),
    "int64": _Scalar(_VARINT, 0, write_varint, _signed, int),
    "sint64": _Scalar(_VARINT, 0, lambda v: write_varint(v << 1 ^ v >> 63), lambda v: v >> 1 ^ -(v & 1), int),
    "uint32": _Scalar(_VARINT, 0, write_varint, int, int),
    "uint64": _Scalar(_VARINT, 0, write_varint, int, int),
    "enum": _Scalar(_VARINT, 0, write_varint, _signed32, int),
    "bool": _Scalar(_VARINT, False, write_varint, bool, bool),
    "fixed32": _Scalar(_FIXED32, 0, *_packed("I"), int, "<u4"),
    "fixed64": _Scalar(_FIXED64, 0, *_packed("Q"), int, "<u8"),
    "float": _Scalar(_FIXED32, 0.0, *_packed("f"), lambda v: float(np.float32(v)), "<f4"),
    "double": _Scalar(_FIXED64, 0.0, *_packed("d"), float, "<f8"),
    "string": _Scalar(_BYTES, "", lambda v: v.encode("utf-8"), lambda v: bytes(v).decode("utf-8", "replace"), _text),
    "bytes": _Scalar(_BYTES, b"", bytes, bytes, _bytes),
}


# -- fields ------------------------------------------------------------------------------------------------------------


class Field:
    """One field of a message: its number, its kind (a name, a message class or a function giving one), and form.

    `oneof` names the group of which at most one is set; `key` is the kind of a map's keys; `names` are what the text
    form calls the values of an enum.
    """

    def __init__(
        self,
        number: int,
        kind: Any,
        repeated: bool = False,
        oneof: str | None = None,
        key: str | None = None,
        names: Mapping[int, str] = MappingProxyType({}),
    ) -> None:
        self.number, self.repeated, self.oneof, self.key, self.names = number, repeated, oneof, key, names
        self._kind = kind
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @property
    def scalar(self) -> _Scalar | None:
        """The kind of a field that holds no messages."""
        return _SCALARS[self._kind] if isinstance(self._kind, str) else None

    @property
    def message(self) -> Any:
        """The class of the messages in the field."""
        if not isinstance(self._kind, type):
            self._kind = self._kind()
        return self._kind

    def fresh(self) -> Any:
        """An empty value."""
        if self.key is not None:
            return _Map(self)
        if self.repeated:
            return _Repeated(self)
        return self.message() if self.scalar is None else self.scalar.default

    def checked(self, value: Any) -> Any:
        """One element as it is held; `TypeError` for what cannot be."""
        if self.scalar is not None:
            return self.scalar.coerce(value)
        if isinstance(value, dict):
            return self.message(**value)
        if not isinstance(value, self.message):
            raise TypeError(f"{self.name}: expected {self.message.__name__}, received {type(value).__name__}.")
        return value

    def __get__(self, message: Any, owner: Any = None) -> Any:
        if message is None:
            return self
        held = message._held.get(self.name)
        if held is None:
            held = self.fresh()
            if self.scalar is None or self.repeated or self.key is not None:
                message._held[self.name] = held
        return held

    def __set__(self, message: Any, value: Any) -> None:
        if self.repeated or self.key is not None or self.scalar is None:
            raise AttributeError(f"Assignment not allowed to field {self.name!r} in a protocol message object.")
        message._drop_others(self)
        message._held[self.name] = self.scalar.coerce(value)


class _Repeated(list):  # type: ignore[type-arg]
    """A repeated field."""

    def __init__(self, field: Field) -> None:
        super().__init__()
        self._field = field

    def add(self, **values: Any) -> Any:
        """Append a new message and return it."""
        super().append(self._field.message(**values))
        return self[-1]

    def append(self, value: Any) -> None:
        super().append(self._field.checked(value))

    def extend(self, values: Any) -> None:
        for value in values:
            self.append(value)

    MergeFrom = extend


class _Map(dict):  # type: ignore[type-arg]
    """A map field; messages appear when they are asked for."""

    def __init__(self, field: Field) -> None:
        super().__init__()
        self._field = field

    def __missing__(self, key: Any) -> Any:
        value = self._field.message() if self._field.scalar is None else self._field.scalar.default
        self[key] = value
        return value

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, self._field.checked(value))

    def update(self, other: Any) -> None:  # type: ignore[override]
        for key, value in other.items():
            self[key] = value


# -- messages ----------------------------------------------------------------------------------------------------------


class Message:
    """Base of the messages."""

    _fields: dict[str, Field]
    _numbers: dict[int, Field]

    def __init_subclass__(cls) -> None:
        cls._fields = {name: f for name, f in vars(cls).items() if isinstance(f, Field)}
        cls._numbers = {f.number: f for f in cls._fields.values()}

    def __init__(self, **values: Any) -> None:
        self._held: dict[str, Any] = {}
        self._present = False
        self._unknown = b""
        for name, value in values.items():
            if name not in self._fields:
                raise ValueError(f'Protocol message {type(self).__name__} has no "{name}" field.')
            if value is not None:
                self._put(self._fields[name], value)

    def _put(self, field: Field, value: Any) -> None:
        if field.key is not None:
            getattr(self, field.name).update(value)
        elif field.repeated:
            getattr(self, field.name).extend(value)
        elif field.scalar is None:
            getattr(self, field.name).CopyFrom(field.checked(value))
            self._drop_others(field)
        else:
            setattr(self, field.name, value)

    def _drop_others(self, field: Field) -> None:
        if field.oneof is not None:
            for name, other in self._fields.items():
                if other.oneof == field.oneof and other is not field:
                    self._held.pop(name, None)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and name not in self._fields:
            raise AttributeError(f"Protocol message {type(self).__name__} has no {name!r} field.")
        super().__setattr__(name, value)

    def _is_set(self, field: Field) -> bool:
        held = self._held.get(field.name)
        if held is None:
            return False
        if field.repeated or field.key is not None:
            return bool(held)
        if field.scalar is None:
            return held._present or not held._is_empty()
        return field.oneof is not None or held != field.scalar.default

    def _is_empty(self) -> bool:
        return not self._unknown and not any(self._is_set(f) for f in self._fields.values())

    # -- Google's interface ------------------------------------------------------------------------------------------

    def HasField(self, name: str) -> bool:
        """Whether a field is set."""
        if name not in self._fields:
            return self.WhichOneof(name) is not None
        return self._is_set(self._fields[name])

    def WhichOneof(self, group: str) -> str | None:
        """The name of the field of a group that is set, or None."""
        members = [f for f in self._fields.values() if f.oneof == group]
        if not members:
            raise ValueError(f"Protocol message {type(self).__name__} has no oneof {group!r} field.")
        return next((f.name for f in members if self._is_set(f)), None)

    def ListFields(self) -> list[tuple[Field, Any]]:
        """The fields that are set, by number, with their values."""
        ordered = sorted(self._fields.values(), key=lambda f: f.number)
        return [(f, self._held[f.name]) for f in ordered if self._is_set(f)]

    def ClearField(self, name: str) -> None:
        """Unset a field."""
        self._held.pop(self._fields[name].name, None)

    def Clear(self) -> None:
        """Unset all fields."""
        self._held.clear()
        self._present, self._unknown = False, b""

    def SetInParent(self) -> None:
        """Let the message count as set, although it is empty."""
        self._present = True

    def CopyFrom(self, other: Any) -> None:
        """Become a copy of another message."""
        if other is not self:
            self.Clear()
            self.MergeFrom(other)

    def MergeFrom(self, other: Any) -> None:
        """Take the fields that are set in another message; repeated ones are appended."""
        if type(other) is not type(self):
            raise TypeError(f"Expected a {type(self).__name__}, received a {type(other).__name__}.")
        self._present = True
        self.MergeFromString(other.SerializeToString())

    def SerializeToString(self, deterministic: bool | None = None) -> bytes:
        """The message in wire format."""
        return b"".join([*(_encode(f, v) for f, v in self.ListFields()), self._unknown])

    SerializePartialToString = SerializeToString

    def ByteSize(self) -> int:
        """The length in wire format."""
        return len(self.SerializeToString())

    def ParseFromString(self, data: bytes) -> int:
        """Become the message that bytes hold; `DecodeError` if they hold none."""
        self.Clear()
        return self.MergeFromString(data)

    def MergeFromString(self, data: bytes) -> int:
        """Merge the message that bytes hold into this one."""
        self._parse(memoryview(bytes(data)), 0)
        return len(data)

    @classmethod
    def FromString(cls, data: bytes) -> Any:
        """The message that bytes hold."""
        out = cls()
        out.ParseFromString(data)
        return out

    def _parse(self, data: memoryview, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise DecodeError(f"{type(self).__name__}: messages nest deeper than {MAX_DEPTH}.")
        for number, wire, value, start, end in _split(data):
            field = self._numbers.get(number)
            if field is None or not _fits(field, wire):
                self._unknown += data[start:end]
            else:
                self._take(field, wire, value, depth)

    def _take(self, field: Field, wire: int, value: Any, depth: int) -> None:
        if field.key is not None:
            key, item = _entry(field, value, depth)
            dict.__setitem__(getattr(self, field.name), key, item)
        elif field.scalar is not None and field.repeated:
            list.extend(getattr(self, field.name), _elements(field.scalar, wire, value))
        elif field.scalar is not None:
            self._drop_others(field)
            self._held[field.name] = field.scalar.decode(value)
        elif field.repeated:
            getattr(self, field.name).add()._parse(value, depth + 1)
        else:
            self._drop_others(field)
            inner = getattr(self, field.name)
            inner._present = True
            inner._parse(value, depth + 1)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.SerializeToString() == other.SerializeToString()  # type: ignore[attr-defined]

    __hash__ = None  # type: ignore[assignment]

    def __deepcopy__(self, memo: Any) -> Any:
        return type(self).FromString(self.SerializeToString())

    def __str__(self) -> str:
        return "".join(f"{line}\n" for f, v in self.ListFields() for line in _lines(f, v))

    __repr__ = __str__


def _fits(field: Field, wire: int) -> bool:
    if field.scalar is None or field.key is not None:
        return wire == _BYTES
    return wire == field.scalar.wire or (field.repeated and wire == _BYTES)


def _split(data: memoryview) -> Iterator[tuple[int, int, Any, int, int]]:
    """The fields of a message: number, wire type, value, and where all its bytes start and end."""
    at = 0
    while at < len(data):
        start = at
        tag, at = read_varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = read_varint(data, at)
        else:
            size = {_FIXED64: 8, _FIXED32: 4}.get(wire)
            if wire == _BYTES:
                size, at = read_varint(data, at)
            if size is None or number == 0:
                raise DecodeError(f"Unknown wire type {wire} or field number {number} in a message.")
            if at + size > len(data):
                raise DecodeError(f"Field {number} of a message ends behind its end: {size} bytes at {at}.")
            value, at = data[at : at + size], at + size
        yield number, wire, value, start, at


def _elements(scalar: _Scalar, wire: int, value: Any) -> list[Any]:
    """The elements of a repeated field, which may stand alone or be packed."""
    if wire == scalar.wire:
        return [scalar.decode(value)]
    if scalar.numpy:
        if len(value) % np.dtype(scalar.numpy).itemsize:
            raise DecodeError("A packed field does not hold a whole number of elements.")
        return np.frombuffer(value, scalar.numpy).tolist()  # type: ignore[no-any-return]
    out, at = [], 0
    while at < len(value):
        number, at = read_varint(value, at)
        out.append(scalar.decode(number))
    return out


def _entry(field: Field, data: memoryview, depth: int) -> tuple[Any, Any]:
    """The key and the value of an entry of a map."""
    keys = _SCALARS[field.key or ""]
    key: Any = keys.default
    value: Any = field.message() if field.scalar is None else field.scalar.default
    for number, _, part, _start, _end in _split(data):
        if number == 1:
            key = keys.decode(part)
        elif number == 2 and field.scalar is not None:
            value = field.scalar.decode(part)
        elif number == 2:
            value._parse(part, depth + 1)
    return key, value


def _encode(field: Field, value: Any) -> bytes:
    if field.key is not None:
        keys = Field(1, field.key)
        values = Field(2, field._kind)
        return b"".join(_delimited(field.number, _one(keys, key) + _one(values, value[key])) for key in sorted(value))
    if not field.repeated:
        return _one(field, value)
    if field.scalar is None or field.scalar.wire == _BYTES:
        return b"".join([_one(field, item) for item in value])
    if field.scalar.numpy:
        return _delimited(field.number, np.asarray(value, field.scalar.numpy).tobytes())
    return _delimited(field.number, b"".join([field.scalar.encode(item) for item in value]))


def _one(field: Field, value: Any) -> bytes:
    if field.scalar is None:
        return _delimited(field.number, value.SerializeToString())
    data = field.scalar.encode(value)
    if field.scalar.wire == _BYTES:
        return _delimited(field.number, data)
    return write_varint(field.number << 3 | field.scalar.wire) + data


def _delimited(number: int, data: bytes) -> bytes:
    return b"".join((write_varint(number << 3 | _BYTES), write_varint(len(data)), data))


# -- text --------------------------------------------------------------------------------------------------------------


def _lines(field: Field, value: Any) -> Iterator[str]:
    if field.key is not None:
        keys, values = Field(1, field.key), Field(2, field._kind)
        keys.name, values.name = "key", "value"
        for key in sorted(value):
            yield f"{field.name} {{"
            yield from ("  " + line for line in (*_lines(keys, key), *_lines(values, value[key])))
            yield "}"
        return
    for item in value if field.repeated else (value,):
        if field.scalar is None:
            yield f"{field.name} {{"
            yield from ("  " + line for f, v in item.ListFields() for line in _lines(f, v))
            yield "}"
        else:
            yield f"{field.name}: {field.names.get(item) or _literal(item, field.scalar)}"


def _literal(value: Any, scalar: _Scalar) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):  # the fewest of two numbers of digits that give the value back
        few, enough = (6, 9) if scalar.numpy == "<f4" else (15, 17)
        text = f"{value:.{few}g}"
        return text if np.dtype(scalar.numpy).type(text) == value else f"{value:.{enough}g}"
    if isinstance(value, str):
        value = value.encode("utf-8")
    if not isinstance(value, bytes):
        return repr(value)
    names = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 39: "\\'", 92: "\\\\"}
    return '"' + "".join(names.get(b, chr(b) if 32 <= b < 127 else f"\\{b:03o}") for b in value) + '"'
