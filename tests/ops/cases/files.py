"""Strings of bytes as numbers and as other bytes, and sound."""

import gzip
import zlib

import numpy as np

from duoflow import ops as F
from duoflow.formats.messages import Example, Feature, Features, FloatList
from tests.ops.harness import Case, unit


def _strings(*items):
    out = np.empty(len(items), object)
    out[:] = items
    return out


_FOUR = _strings(b"\x01\x00\x02\x00", b"\xff\xff\x00\x80")


def _one(data):
    return _strings(data).reshape(())


_FEATURES = Features(feature={"x": Feature(float_list=FloatList(value=[1.0, 2.0]))})
_EXAMPLE = Example(features=_FEATURES).SerializeToString()


def _parse(serialized):
    found = F.parse_example(serialized, {
        "x": F.FixedLenFeature([2], "float32"),
        "y": F.FixedLenFeature([], "int64", default_value=3),
        "z": F.FixedLenSequenceFeature([], "string", allow_missing=True),
    })  # fmt: skip
    return list(found.values())


def _csv(records, *defaults):
    return F.decode_csv(records, defaults, na_value="NA")


CASES = [
    Case(
        _csv,
        _strings(b'1,"a,b",2.5', b'NA,"x""y",', b"-7,,1e3"),
        np.int32([9]),
        _strings(b"none"),
        np.float64([0.5]),
        grad=(),
        needs="rank",
        id="decode_csv",
    ),
    Case(_parse, _strings(_EXAMPLE, _EXAMPLE), grad=(), needs="rank", id="parse_example"),
    *(Case(F.decode_raw, _FOUR, d, needs="rank", id=f"decode_raw-{d}") for d in ("uint8", "int16", "float32")),
    Case(F.decode_raw, _FOUR, "int16", little_endian=False, needs="rank", id="decode_raw-big"),
    Case(F.decode_raw, _FOUR, "int32", fixed_length=8, needs="rank", id="decode_raw-fixed"),
    Case(F.encode_base64, _FOUR, needs="rank"),
    Case(F.encode_base64, _FOUR, pad=True, needs="rank"),
    Case(F.decode_base64, _strings(b"ZHVvIQ", b"-_8=", b""), needs="rank"),
    Case(F.decode_compressed, _strings(zlib.compress(b"abc")), "ZLIB", needs="rank"),
    Case(F.decode_compressed, _strings(gzip.compress(b"abc" * 50)), "GZIP", needs="rank"),
    Case(F.encode_wav, unit(6, 2), 8000, grad=(), needs="rank"),
    Case(F.decode_wav, _one(F.encode_wav(unit(6, 2), 8000).numpy())),
    Case(F.decode_wav, _one(F.encode_wav(unit(6, 2), 8000).numpy()), 3, 4, id="decode_wav-cut"),
]
