"""Functions of strings; they run on the host on every engine."""

import numpy as np

from duoflow import ops as F
from tests.ops.harness import Case, ints, real


def _s(*items):
    out = np.empty(len(items), object)
    out[:] = items
    return out


_X = _s(b"Hello", b"h\xc3\xa9 w", b"")
_ONE = np.array(b"a b,c", object)

CASES = [
    *(Case(f, _X) for f in (F.string_lower, F.string_upper, F.string_length, F.string_strip)),
    Case(F.string_length, _X, unit="UTF8_CHAR", id="string_length-characters"),
    Case(F.string_to_number, _s(b"1.5", b"-2")),
    Case(F.regex_replace, _X, "l+", r"<\0>"),
    Case(F.regex_full_match, _X, "H.*"),
    *(Case(f, _X, 1000) for f in (F.to_hash_bucket, F.to_hash_bucket_fast)),
    Case(F.to_hash_bucket_strong, _X, 1000, [1, 2]),
    Case(F.unicode_transcode, _X, "UTF-8", "UTF-16-BE"),
    Case(F.string_substr, _s(b"hello", b"world"), np.array([1, -3], np.int32), 2),
    Case(F.string_join, [_X, _X], "-"),
    Case(F.reduce_join, _X.reshape(3, 1), axis=0, needs="rank"),
    Case(F.unsorted_segment_join, _X, np.array([0, 1, 0], np.int32), 2),
    *(Case(f, _ONE) for f in (F.string_split, F.bytes_split)),
    *(Case(f, _ONE, "UTF-8") for f in (F.unicode_decode, F.unicode_split)),
    Case(F.unicode_encode, np.array([[104, 233]], np.int32), "UTF-8"),
    Case(F.string_ngrams, _X, [1, 2]),
    Case(F.as_string, real(3), grad=()),
    Case(F.as_string, ints(2, 2), width=4, fill="0", id="as_string-int"),
    Case(F.string_format, "x={}", real(3), grad=()),
    Case(lambda x: F.feature_cross([F.as_string(x), x], 10, optional=[False, True]), ints(2, 3), id="feature_cross"),
]
