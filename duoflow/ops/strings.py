"""`tf.strings`: functions of string tensors, which hold bytes.

All of them run on the host. What would be ragged (the pieces of more than one string) is refused, for there are no
ragged tensors here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.dtypes import DType, as_dtype
from duoflow.core.emit import NO_ATTRS, emit_one
from duoflow.core.errors import InvalidArgumentError, UnimplementedError
from duoflow.core.record import Kind, Op, register
from duoflow.core.shapes import Dims
from duoflow.core.spec import Spec
from duoflow.core.tensor import Operators, convert

from .hashing import farm64, murmur64, sip64
from .logging import format_tensor
from .static import axis_of, int_tensor, invalid, operand, static_ints

__all__ = [
    "as_string", "bytes_split", "reduce_join", "regex_full_match", "regex_replace", "string_format", "string_join",
    "string_length", "string_lower", "string_ngrams", "string_split", "string_strip", "string_substr",
    "string_to_number", "string_upper", "to_hash_bucket", "to_hash_bucket_fast", "to_hash_bucket_strong",
    "unicode_decode", "unicode_encode", "unicode_split", "unicode_transcode", "unsorted_segment_join",
]  # fmt: skip


def _objects(items: Any, shape: tuple[int, ...]) -> Any:
    out = np.empty(len(items), object)
    out[:] = items
    return out.reshape(shape)


def _require_strings(op: str, *specs: Spec) -> None:
    for spec in specs:
        if spec.dtype is not dtypes.string:
            raise TypeError(
                f"{op} takes strings, received a tensor of dtype {spec.dtype.name}. Use tf.strings.as_string."
            )


def _per_string(name: str, function: Callable[..., Any], dtype: DType = dtypes.string) -> Op:
    """An op that maps each string to a string or number; `function(bytes, **attrs)`."""

    def infer(x: Spec, **attrs: Any) -> Spec:
        _require_strings(name, x)
        return Spec(x.shape, attrs.get("out_type", dtype))

    def evaluate(x: Any, **attrs: Any) -> Any:
        found = [function(s, **attrs) for s in x.reshape(-1).tolist()]
        kind = attrs.get("out_type", dtype)
        return _objects(found, x.shape) if kind is dtypes.string else np.asarray(found, kind.numpy).reshape(x.shape)

    return register(Op(name, Kind.HOST, infer, evaluate, differentiable=False))


def _strings(x: Any) -> Any:
    return convert(x, dtype=None if isinstance(x, Operators) else dtypes.string)


def _text(s: bytes, encoding: str = "utf-8", errors: str = "replace", replacement_char: int = 0xFFFD) -> str:
    if errors not in ("strict", "replace", "ignore"):
        raise ValueError(f"errors must be 'strict', 'replace' or 'ignore', received {errors!r}")
    try:
        text = s.decode(_codec(encoding), errors)
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(f"Invalid formatting on input string: {s!r} ({error})") from None
    return text.replace("\ufffd", chr(replacement_char)) if replacement_char != 0xFFFD else text


def _codec(encoding: str) -> str:
    names = {"UTF-8": "utf-8", "UTF-16-BE": "utf-16-be", "UTF-32-BE": "utf-32-be", "": "latin-1"}
    return names.get(encoding.upper(), encoding)


def _unit(unit: str) -> bool:
    """Whether positions count characters rather than bytes."""
    if unit not in ("BYTE", "UTF8_CHAR"):
        raise invalid(f"unit must be 'BYTE' or 'UTF8_CHAR', received {unit!r}")
    return unit == "UTF8_CHAR"


# -- one string at a time ----------------------------------------------------------------------------------------------


def _change_case(s: bytes, *, encoding: str, upper: bool) -> bytes:
    if encoding not in ("", "utf-8"):
        raise ValueError(f"encoding must be '' or 'utf-8', received {encoding!r}")
    if not encoding:
        return s.upper() if upper else s.lower()
    text = _text(s)
    return (text.upper() if upper else text.lower()).encode()


def _length(s: bytes, *, unit: str) -> int:
    return len(_text(s)) if _unit(unit) else len(s)


def _number(s: bytes, *, out_type: DType) -> Any:
    try:
        number = float(s) if out_type.is_floating else int(s)
        return out_type.numpy.type(number)
    except (ValueError, OverflowError):
        text = s.decode(errors="replace")
        raise InvalidArgumentError(f"StringToNumberOp could not correctly convert string: {text}") from None


_POSIX_CLASSES = {
    "[:alnum:]": "A-Za-z0-9", "[:alpha:]": "A-Za-z", "[:digit:]": "0-9", "[:lower:]": "a-z", "[:upper:]": "A-Z",
    "[:space:]": r"\s", "[:punct:]": r"!-/:-@\[-`{-~", "[:word:]": r"\w", "[:xdigit:]": "0-9A-Fa-f",
}  # fmt: skip


def _loose(s: bytes) -> str:
    """A string to match in, character by character as RE2 does; bytes that are not UTF-8 survive."""
    return s.decode("utf-8", "surrogateescape")


def _replace(s: bytes, *, pattern: str, rewrite: str, replace_global: bool) -> bytes:
    text = _compiled(pattern).sub(_rewritten(rewrite), _loose(s), 0 if replace_global else 1)
    return text.encode("utf-8", "surrogateescape")


def _compiled(pattern: str) -> re.Pattern[str]:
    for name, members in _POSIX_CLASSES.items():
        pattern = pattern.replace(name, members)
    try:
        return re.compile(pattern, re.ASCII)
    except re.error as error:
        raise InvalidArgumentError(f"Invalid pattern: {pattern}, error: {error}") from None


def _rewritten(rewrite: str) -> Callable[[re.Match[str]], str]:
    """RE2's replacement text: `\\0` is the whole match, `\\1` to `\\9` its groups, `\\\\` a backslash."""
    parts = re.split(r"\\([0-9\\])", rewrite)

    def expand(match: re.Match[str]) -> str:
        out = ""
        for i, part in enumerate(parts):
            out += part if i % 2 == 0 or part == "\\" else match.group(int(part)) or ""
        return out

    return expand


LOWER_UPPER = _per_string("StringCase", _change_case)
LENGTH = _per_string("StringLength", _length, dtypes.int32)
STRIP = _per_string("StringStrip", lambda s: s.strip(b" \t\n\v\f\r"))
TO_NUMBER = _per_string("StringToNumber", _number)
REPLACE = _per_string("StaticRegexReplace", _replace)
FULL_MATCH = _per_string(
    "StaticRegexFullMatch", lambda s, *, pattern: _compiled(pattern).fullmatch(_loose(s)) is not None, dtypes.bool_
)
HASH = _per_string("StringToHashBucket", lambda s, *, num_buckets: murmur64(s) % num_buckets, dtypes.int64)
HASH_FAST = _per_string("StringToHashBucketFast", lambda s, *, num_buckets: farm64(s) % num_buckets, dtypes.int64)
HASH_STRONG = _per_string(
    "StringToHashBucketStrong", lambda s, *, num_buckets, key: sip64(s, key) % num_buckets, dtypes.int64
)
TRANSCODE = _per_string(
    "UnicodeTranscode",
    lambda s, *, source, target, errors, replacement: _text(s, source, errors, replacement).encode(_codec(target)),
)


def string_lower(input: Any, encoding: str = "", name: str | None = None) -> Any:
    """In lower case: of ASCII letters only, or with encoding="utf-8" of all.

    >>> tf.strings.lower("CamelCase").numpy()
    b'camelcase'

    TensorFlow: tf.strings.lower.
    """
    return emit_one(LOWER_UPPER, (_strings(input),), {"encoding": encoding, "upper": False}, name)


def string_upper(input: Any, encoding: str = "", name: str | None = None) -> Any:
    """In upper case: of ASCII letters only, or with encoding="utf-8" of all. TensorFlow: tf.strings.upper."""
    return emit_one(LOWER_UPPER, (_strings(input),), {"encoding": encoding, "upper": True}, name)


def string_length(input: Any, unit: str = "BYTE", name: str | None = None) -> Any:
    """How many bytes (or, with unit="UTF8_CHAR", characters) each string has, int32.

    >>> tf.strings.length(["Hello", "TF"]).numpy()
    array([5, 2], dtype=int32)

    TensorFlow: tf.strings.length.
    """
    _unit(unit)
    return emit_one(LENGTH, (_strings(input),), {"unit": unit}, name)


def string_strip(input: Any, name: str | None = None) -> Any:
    """Without white space at the ends. TensorFlow: tf.strings.strip."""
    return emit_one(STRIP, (_strings(input),), NO_ATTRS, name)


def string_to_number(input: Any, out_type: Any = dtypes.float32, name: str | None = None) -> Any:
    """The numbers that strings spell.

    Raises:
      InvalidArgumentError: for a string that is no number.

    >>> tf.strings.to_number(["1.5", "2"]).numpy()
    array([1.5, 2. ], dtype=float32)

    TensorFlow: tf.strings.to_number.
    """
    out_type = as_dtype(out_type)
    if out_type not in (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64, dtypes.uint32, dtypes.uint64):
        raise TypeError(f"out_type must be float32, float64, int32, int64, uint32 or uint64, received {out_type.name}.")
    return emit_one(TO_NUMBER, (_strings(input),), {"out_type": out_type}, name)


def regex_replace(input: Any, pattern: str, rewrite: str, replace_global: bool = True, name: str | None = None) -> Any:
    r"""Matches of a regular expression replaced; in `rewrite`, `\1` is the first group and `\0` the whole match.

    Patterns are Python's, which differ from RE2's in rare forms only.

    >>> tf.strings.regex_replace("Text with <b>bold</b>", "<[^>]+>", "").numpy()
    b'Text with bold'

    TensorFlow: tf.strings.regex_replace.
    """
    attrs = {"pattern": _static(pattern), "rewrite": _static(rewrite), "replace_global": replace_global}
    return emit_one(REPLACE, (_strings(input),), attrs, name)


def regex_full_match(input: Any, pattern: str, name: str | None = None) -> Any:
    """Whether all of each string matches a regular expression. TensorFlow: tf.strings.regex_full_match."""
    return emit_one(FULL_MATCH, (_strings(input),), {"pattern": _static(pattern)}, name)


def _static(value: Any) -> str:
    """A string known when the graph is built, given as one or as a tensor."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode()
    known: Any = convert(value).spec.array
    if known is None:
        raise ValueError(f"The pattern must be known when the graph is built, received {value!r}.")
    return str(known[()].decode())


def _buckets(num_buckets: int) -> int:
    if num_buckets < 1:
        raise invalid(f"num_buckets must be at least 1, received {num_buckets}")
    return int(num_buckets)


def to_hash_bucket(input: Any, num_buckets: int, name: str | None = None) -> Any:
    """A number below `num_buckets` for each string, int64. TensorFlow: tf.strings.to_hash_bucket."""
    return emit_one(HASH, (_strings(input),), {"num_buckets": _buckets(num_buckets)}, name)


def to_hash_bucket_fast(input: Any, num_buckets: int, name: str | None = None) -> Any:
    """A number below `num_buckets` for each string, int64, by FarmHash.

    >>> tf.strings.to_hash_bucket_fast(["Hello", "TensorFlow", "2.x"], 3).numpy()
    array([0, 2, 2])

    TensorFlow: tf.strings.to_hash_bucket_fast.
    """
    return emit_one(HASH_FAST, (_strings(input),), {"num_buckets": _buckets(num_buckets)}, name)


def to_hash_bucket_strong(input: Any, num_buckets: int, key: Any, name: str | None = None) -> Any:
    """A number below `num_buckets` for each string, int64, by SipHash under a key of two integers.

    TensorFlow: tf.strings.to_hash_bucket_strong.
    """
    attrs = {"num_buckets": _buckets(num_buckets), "key": static_ints(key, "key")}
    return emit_one(HASH_STRONG, (_strings(input),), attrs, name)


def unicode_transcode(
    input: Any, input_encoding: str, output_encoding: str, errors: str = "replace", replacement_char: int = 65533,
    replace_control_characters: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """From one encoding to another: "UTF-8", "UTF-16-BE", "UTF-32-BE". TensorFlow: tf.strings.unicode_transcode."""
    if replace_control_characters:
        raise UnimplementedError("replace_control_characters=True is not available.")
    attrs = {"source": input_encoding, "target": output_encoding, "errors": errors, "replacement": replacement_char}
    return emit_one(TRANSCODE, (_strings(input),), attrs, name)


# -- substrings --------------------------------------------------------------------------------------------------------


def _infer_substr(x: Spec, pos: Spec, length: Spec, *, unit: str) -> Spec:
    _require_strings("Substr", x)
    return Spec(shapes.broadcast(x.shape, pos.shape, length.shape), dtypes.string)


def _evaluate_substr(x: Any, pos: Any, length: Any, *, unit: str) -> Any:
    x, pos, length = np.broadcast_arrays(x, pos, length)
    by_character = _unit(unit)
    rows = zip(x.reshape(-1).tolist(), pos.reshape(-1).tolist(), length.reshape(-1).tolist(), strict=True)
    out = []
    for i, (s, p, n) in enumerate(rows):
        whole = _text(s) if by_character else s
        if not -len(whole) <= p <= len(whole):
            raise InvalidArgumentError(f"pos {p} out of range for string at index {i}")
        start = p + len(whole) if p < 0 else p
        part = whole[start : start + n]
        out.append(part.encode() if isinstance(part, str) else part)
    return _objects(out, x.shape)


SUBSTR = register(Op("Substr", Kind.HOST, _infer_substr, _evaluate_substr, differentiable=False))


def string_substr(input: Any, pos: Any, len: Any, unit: str = "BYTE", name: str | None = None) -> Any:
    """`len` bytes (or characters) from `pos`, which counts from the end if negative; all three broadcast.

    >>> tf.strings.substr(["Hello", "World"], 1, 3).numpy().tolist()
    [b'ell', b'orl']

    TensorFlow: tf.strings.substr.
    """
    pos = int_tensor(pos)
    return emit_one(SUBSTR, (_strings(input), pos, operand(len, pos)), {"unit": unit}, name)


# -- joining -----------------------------------------------------------------------------------------------------------


def _infer_join(*inputs: Spec, separator: str) -> Spec:
    _require_strings("StringJoin", *inputs)
    out: Dims = ()
    for spec in inputs:
        if spec.shape == ():
            continue
        if out not in ((), None) and not shapes.compatible(out, spec.shape):
            raise ValueError(f"Input shapes do not match: {shapes.brief(out)} vs. {shapes.brief(spec.shape)}")
        out = spec.shape if out == () else shapes.merge(out, spec.shape)
    return Spec(out, dtypes.string)


def _evaluate_join(*inputs: Any, separator: str) -> Any:
    arrays = np.broadcast_arrays(*inputs)
    between = separator.encode()
    return _objects(
        [between.join(row) for row in zip(*(a.reshape(-1).tolist() for a in arrays), strict=True)], arrays[0].shape
    )


JOIN = register(Op("StringJoin", Kind.HOST, _infer_join, _evaluate_join, differentiable=False))


def string_join(inputs: Any, separator: str = "", name: str | None = None) -> Any:
    """Strings of several tensors of one shape (or scalars) one after another.

    >>> tf.strings.join(["abc", "def"], separator=" ").numpy()
    b'abc def'

    TensorFlow: tf.strings.join.
    """
    return emit_one(JOIN, tuple(map(_strings, inputs)), {"separator": separator}, name)


def _infer_reduce_join(x: Spec, *, axis: tuple[int, ...] | None, keepdims: bool, separator: str) -> Spec:
    _require_strings("ReduceJoin", x)
    if x.shape is None:
        return Spec(None, dtypes.string)
    axes = set(range(len(x.shape)) if axis is None else axis)
    kept = [(1 if i in axes else d) for i, d in enumerate(x.shape) if keepdims or i not in axes]
    return Spec(tuple(kept), dtypes.string)


def _evaluate_reduce_join(x: Any, *, axis: tuple[int, ...] | None, keepdims: bool, separator: str) -> Any:
    axes = tuple(range(x.ndim)) if axis is None else tuple(a % x.ndim for a in axis)
    rest = [d for d in range(x.ndim) if d not in axes]
    rows = x.transpose(rest + list(axes)).reshape([x.shape[d] for d in rest] + [-1])
    lead = rows.shape[:-1]
    flat = rows.reshape(-1, rows.shape[-1]) if rows.size else np.empty((int(np.prod(lead)), 0), object)
    shape = tuple(1 if d in axes else x.shape[d] for d in range(x.ndim)) if keepdims else lead
    return _objects([separator.encode().join(row) for row in flat.tolist()], shape)


REDUCE_JOIN = register(Op("ReduceJoin", Kind.HOST, _infer_reduce_join, _evaluate_reduce_join, differentiable=False))


def reduce_join(
    inputs: Any, axis: Any = None, keepdims: bool = False, separator: str = "", name: str | None = None
) -> Any:
    """All strings along the axes given (or all) as one.

    >>> tf.strings.reduce_join([["abc", "123"], ["def", "456"]], axis=-1).numpy().tolist()
    [b'abc123', b'def456']

    TensorFlow: tf.strings.reduce_join.
    """
    x = _strings(inputs)
    axes = None if axis is None else tuple(axis_of(a, x.spec.rank) for a in static_ints(axis, "axis"))
    return emit_one(REDUCE_JOIN, (x,), {"axis": axes, "keepdims": keepdims, "separator": separator}, name)


def _infer_segment_join(x: Spec, segment_ids: Spec, num_segments: Spec, *, separator: str) -> Spec:
    _require_strings("UnsortedSegmentJoin", x)
    count = None if num_segments.array is None else int(num_segments.array)
    rank = segment_ids.rank
    return Spec(None if x.shape is None or rank is None else (count, *x.shape[rank:]), dtypes.string)


def _evaluate_segment_join(x: Any, segment_ids: Any, num_segments: Any, *, separator: str) -> Any:
    rest = x.shape[segment_ids.ndim :]
    rows = x.reshape(segment_ids.size, -1)
    parts: list[list[list[bytes]]] = [[[] for _ in range(rows.shape[1])] for _ in range(int(num_segments))]
    for segment, row in zip(segment_ids.reshape(-1).tolist(), rows.tolist(), strict=True):
        if segment >= len(parts):
            raise InvalidArgumentError(f"segment_ids: {segment} is not in [0, {len(parts)})")
        if segment >= 0:
            for place, s in zip(parts[segment], row, strict=True):
                place.append(s)
    return _objects([separator.encode().join(p) for segment in parts for p in segment], (len(parts), *rest))


SEGMENT_JOIN = register(
    Op("UnsortedSegmentJoin", Kind.HOST, _infer_segment_join, _evaluate_segment_join, differentiable=False)
)


def unsorted_segment_join(
    inputs: Any, segment_ids: Any, num_segments: Any, separator: str = "", name: str | None = None
) -> Any:
    """The strings of each segment as one. TensorFlow: tf.strings.unsorted_segment_join."""
    given = (_strings(inputs), int_tensor(segment_ids), int_tensor(num_segments))
    return emit_one(SEGMENT_JOIN, given, {"separator": separator}, name)


# -- taking apart: vectors of what one string holds --------------------------------------------------------------------


def _one_string(name: str, split: Callable[..., Any], dtype: DType = dtypes.string) -> Op:
    """An op that makes a vector of one string; of several it would make a ragged tensor."""

    def infer(x: Spec, **attrs: Any) -> Spec:
        _require_strings(name, x)
        if x.rank not in (None, 0):
            raise UnimplementedError(
                f"{name} of a tensor of shape {shapes.brief(x.shape)} gives a ragged tensor, which is not "
                "available; use tf.map_fn, or call it for each string.",
            )  # fmt: skip
        return Spec((None,), dtype)

    def evaluate(x: Any, **attrs: Any) -> Any:
        found = split(x[()], **attrs)
        return _objects(found, (len(found),)) if dtype is dtypes.string else np.asarray(found, dtype.numpy)

    return register(Op(name, Kind.HOST, infer, evaluate, differentiable=False))


def _split(s: bytes, *, sep: str, maxsplit: int) -> list[bytes]:
    return s.split(sep.encode(), maxsplit) if sep else s.split(None, maxsplit)


SPLIT = _one_string("StringSplitV2", _split)
BYTES_SPLIT = _one_string("StringBytesSplit", lambda s: [s[i : i + 1] for i in range(len(s))])
UNICODE_DECODE = _one_string(
    "UnicodeDecode",
    lambda s, *, encoding, errors, replacement: [ord(c) for c in _text(s, encoding, errors, replacement)],
    dtypes.int32,
)
UNICODE_SPLIT = _one_string(
    "UnicodeSplit",
    lambda s, *, encoding, errors, replacement: [
        c.encode(_codec(encoding)) for c in _text(s, encoding, errors, replacement)
    ],
)


def string_split(input: Any, sep: str | None = None, maxsplit: int = -1, name: str | None = None) -> Any:
    """The pieces of one string between separators (white space by default), a vector.

    Raises:
      UnimplementedError: for more than one string, whose pieces would be ragged.

    >>> tf.strings.split("a b c").numpy().tolist()
    [b'a', b'b', b'c']

    TensorFlow: tf.strings.split.
    """
    text = convert(input)
    if text.dtype is not dtypes.string:
        raise ValueError(f"split takes strings, received {text.dtype.name}.")
    return emit_one(SPLIT, (text,), {"sep": sep or "", "maxsplit": maxsplit}, name)


def bytes_split(input: Any, name: str | None = None) -> Any:
    """The bytes of one string, a vector of strings. TensorFlow: tf.strings.bytes_split."""
    return emit_one(BYTES_SPLIT, (_strings(input),), NO_ATTRS, name)


def unicode_decode(
    input: Any, input_encoding: str, errors: str = "replace", replacement_char: int = 65533,
    replace_control_characters: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """The code points of one string, int32. TensorFlow: tf.strings.unicode_decode."""
    if replace_control_characters:
        raise UnimplementedError("replace_control_characters=True is not available.")
    attrs = {"encoding": input_encoding, "errors": errors, "replacement": replacement_char}
    return emit_one(UNICODE_DECODE, (_strings(input),), attrs, name)


def unicode_split(
    input: Any, input_encoding: str, errors: str = "replace", replacement_char: int = 65533, name: str | None = None
) -> Any:
    """The characters of one string, a vector of strings. TensorFlow: tf.strings.unicode_split."""
    attrs = {"encoding": input_encoding, "errors": errors, "replacement": replacement_char}
    return emit_one(UNICODE_SPLIT, (_strings(input),), attrs, name)


def _encode(points: Any, *, encoding: str, errors: str, replacement: int) -> Any:
    rows = points.reshape(-1, points.shape[-1]).tolist()
    out = []
    for row in rows:
        valid = [0 <= p <= 0x10FFFF and not 0xD800 <= p < 0xE000 for p in row]
        if errors == "strict" and not all(valid):
            raise InvalidArgumentError(f"Code point is out of range for Unicode: {row[valid.index(False)]}")
        kept = [p if good else replacement for p, good in zip(row, valid, strict=True) if good or errors != "ignore"]
        out.append("".join(map(chr, kept)).encode(_codec(encoding)))
    return _objects(out, points.shape[:-1])


UNICODE_ENCODE = register(
    Op(
        "UnicodeEncode",
        Kind.HOST,
        lambda x, **attrs: Spec(None if x.shape is None else x.shape[:-1], dtypes.string),
        _encode,
        differentiable=False,
    )  # fmt: skip
)


def unicode_encode(
    input: Any, output_encoding: str, errors: str = "replace", replacement_char: int = 65533, name: str | None = None
) -> Any:
    """Strings of the code points along the last dimension. TensorFlow: tf.strings.unicode_encode."""
    attrs = {"encoding": output_encoding, "errors": errors, "replacement": replacement_char}
    return emit_one(UNICODE_ENCODE, (int_tensor(input),), attrs, name)


def _ngrams(data: Any, *, widths: tuple[int, ...], separator: str, pads: tuple[str, str] | None, pad_width: int,
            preserve: bool) -> Any:  # fmt: skip
    rows = data.reshape(-1, data.shape[-1]).tolist()
    found = [
        [g for width in widths for g in _row_ngrams(row, width, separator, pads, pad_width, preserve)] for row in rows
    ]
    return _objects([g for row in found for g in row], (*data.shape[:-1], len(found[0]) if found else 0))


def _row_ngrams(row: list[bytes], width: int, separator: str, pads: Any, pad_width: int, preserve: bool) -> list[bytes]:
    padding = 0 if pads is None else width - 1 if pad_width < 0 else min(pad_width, width - 1)
    full = [pads[0].encode()] * padding + row + [pads[1].encode()] * padding if pads else row
    between = separator.encode()
    if len(full) < width:
        return [between.join(full)] if preserve and row else []
    return [between.join(full[i : i + width]) for i in range(len(full) - width + 1)]


def _infer_ngrams(data: Spec, **attrs: Any) -> Spec:
    _require_strings("StringNGrams", data)
    return Spec(None if data.shape is None else (*data.shape[:-1], None), dtypes.string)


NGRAMS = register(Op("StringNGrams", Kind.HOST, _infer_ngrams, _ngrams, differentiable=False))


def string_ngrams(
    data: Any, ngram_width: Any, separator: str = " ", pad_values: Any = None, padding_width: int | None = None,
    preserve_short_sequences: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """Runs of `ngram_width` neighbours along the last dimension, joined.

    >>> tf.strings.ngrams(["A", "B", "C"], 2).numpy().tolist()
    [b'A B', b'B C']

    TensorFlow: tf.strings.ngrams.
    """
    pads = (
        (pad_values, pad_values) if isinstance(pad_values, str) else None if pad_values is None else tuple(pad_values)
    )
    attrs = {
        "widths": static_ints(ngram_width, "ngram_width"), "separator": separator, "pads": pads,
        "pad_width": -1 if padding_width is None else padding_width, "preserve": preserve_short_sequences,
    }  # fmt: skip
    return emit_one(NGRAMS, (_strings(data),), attrs, name)


# -- to strings --------------------------------------------------------------------------------------------------------


def _spell(value: Any, style: str) -> bytes:
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, complex):
        return f"({style % value.real},{style % value.imag})".encode()
    text: str = style % value
    return text.encode()


def _style(dtype: DType, *, precision: int, scientific: bool, shortest: bool, width: int, fill: str) -> str:
    """The format of C's printf."""
    if (scientific or shortest or precision >= 0) and not (dtype.is_floating or dtype.is_complex):
        raise ValueError(f"precision, scientific and shortest are for floats, received {dtype.name}.")
    if scientific and shortest:
        raise ValueError("Cannot select both scientific and shortest notation")
    letter = "d" if dtype.is_integer else "e" if scientific else "g" if shortest else "f"
    digits = f".{precision}" if precision >= 0 else ""
    return f"%{fill.strip()}{width if width > 0 else ''}{digits}{letter}"


def _evaluate_as_string(x: Any, *, width: int, fill: str, **options: Any) -> Any:
    if x.dtype == object:
        return x
    if len(fill) > 1 or fill not in ("", " ", "0", "-", "+"):
        raise ValueError(f"Fill string must be one of '', ' ', '0', '-', '+', received {fill!r}")
    dtype = dtypes.from_numpy(x.dtype)
    style = _style(dtype, width=width, fill=fill, **options) if not dtype.is_bool else ""
    return _objects([_spell(v, style) for v in x.reshape(-1).tolist()], x.shape)


AS_STRING = register(
    Op(
        "AsString",
        Kind.HOST,
        lambda x, **options: Spec(x.shape, dtypes.string),
        _evaluate_as_string,
        differentiable=False,
    )  # fmt: skip
)


def as_string(
    input: Any, precision: int = -1, scientific: bool = False, shortest: bool = False, width: int = -1, fill: str = "",
    name: str | None = None,
) -> Any:  # fmt: skip
    """Numbers and booleans as strings.

    Args:
      precision: digits after the point (6 unless given), for floats.
      scientific, shortest: `1.5e+00` or the shorter form, for floats.
      width, fill: pad on the left to a width, with "0" for zeros; fill "-" pads on the right.

    >>> tf.strings.as_string([3, 2]).numpy().tolist()
    [b'3', b'2']

    TensorFlow: tf.strings.as_string.
    """
    attrs = {"precision": precision, "scientific": scientific, "shortest": shortest, "width": width, "fill": fill}
    return emit_one(AS_STRING, (convert(input),), attrs, name)


def _evaluate_format(*inputs: Any, template: str, placeholder: str, summarize: int) -> Any:
    pieces = template.split(placeholder)
    texts = [format_tensor(x, summarize) for x in inputs]
    out = "".join(piece + text for piece, text in zip(pieces, [*texts, ""], strict=True))
    return _objects([out.encode()], ())


FORMAT = register(
    Op(
        "StringFormat",
        Kind.HOST,
        lambda *inputs, **attrs: Spec((), dtypes.string),
        _evaluate_format,
        differentiable=False,
    )
)


def string_format(
    template: str, inputs: Any, placeholder: str = "{}", summarize: int = 3, name: str | None = None
) -> Any:
    """A template with each placeholder replaced by a tensor, printed with `summarize` entries at either end.

    >>> tf.strings.format("x: {}", (tf.constant([1, 2]),)).numpy()
    b'x: [1 2]'

    TensorFlow: tf.strings.format.
    """
    given = tuple(convert(x) for x in (inputs if isinstance(inputs, (list, tuple)) else [inputs]))
    if template.count(placeholder) != len(given):
        raise ValueError(
            f"The template expects {template.count(placeholder)} tensors, but the inputs only has {len(given)}. Please "
            "ensure the number of placeholders in template matches inputs length."
        )
    return emit_one(FORMAT, given, {"template": template, "placeholder": placeholder, "summarize": summarize}, name)
