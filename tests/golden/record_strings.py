"""Record what real TensorFlow's string functions give: `python tests/golden/record_strings.py` where tensorflow is installed.

Every entry of strings.json is an expression over `tf` and its result as nested lists (strings as text).
"""

import json
import sys
from pathlib import Path

import numpy as np

_LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 100, 127, 128, 129, 200, 256, 300]
_TEXTS = f"[('abcdefghijklmnopqrstuvwxyz0123456789-' * 9)[:n] for n in {_LENGTHS}]"

EXPRESSIONS = [
    f"tf.strings.to_hash_bucket_fast({_TEXTS}, 1 << 62)",
    f"tf.strings.to_hash_bucket_strong({_TEXTS}, 1 << 62, [12345, 67890])",
    f"tf.strings.to_hash_bucket({_TEXTS}, 1 << 62)",
    "tf.strings.join(['a', ['b', 'c'], 'd'], '-')",
    "tf.strings.join([['a'], ['b']])",
    "tf.strings.length(['', 'abc', 'h\\u00e9'])",
    "tf.strings.length(['', 'abc', 'h\\u00e9'], 'UTF8_CHAR')",
    "tf.strings.lower(['ABC', '\\u00c9t\\u00c9'])",
    "tf.strings.lower(['ABC', '\\u00c9t\\u00c9'], 'utf-8')",
    "tf.strings.upper(['abc', '\\u00e9t'], 'utf-8')",
    "tf.strings.strip(['  a b\\t\\n', ''])",
    "tf.strings.split('a b  c ')",
    "tf.strings.split('a,b,,c', ',')",
    "tf.strings.split('a,b,,c', ',', 1)",
    "tf.strings.split(' a b c', maxsplit=1)",
    "tf.strings.substr(['hello', 'world'], 1, 3)",
    "tf.strings.substr(['hello', 'wor'], [-2, 0], [5, 2])",
    "tf.strings.substr('h\\u00e9llo', 1, 2, 'UTF8_CHAR')",
    "tf.strings.bytes_split('hello')",
    "tf.strings.regex_replace(['Text a1b22'], '([a-z])([0-9]+)', r'\\2<\\1>\\0')",
    "tf.strings.regex_replace('aaa', 'a', 'b', False)",
    "tf.strings.regex_full_match(['TF lib', 'lib TF'], '.*lib$')",
    "tf.strings.to_number(['1.5', '-2e3', ' 7 '])",
    "tf.strings.to_number(['12', '-3'], tf.int64)",
    "tf.strings.as_string([1, -20])",
    "tf.strings.as_string([3.14159, 1e10, -0.5])",
    "tf.strings.as_string([3.14159, 1e10], precision=2)",
    "tf.strings.as_string([3.14159, 1e10], scientific=True)",
    "tf.strings.as_string([3.14159, 1e-10], shortest=True)",
    "tf.strings.as_string([True, False])",
    "tf.strings.as_string([7, 42], width=5, fill='0')",
    "tf.strings.as_string([7], width=5)",
    "tf.strings.as_string([7], width=5, fill='-')",
    "tf.strings.as_string(tf.constant([1 + 2j], tf.complex64))",
    "tf.strings.reduce_join([['abc', '123'], ['def', '456']])",
    "tf.strings.reduce_join([['abc', '123'], ['def', '456']], axis=-1)",
    "tf.strings.reduce_join([['abc', '123'], ['def', '456']], axis=0, keepdims=True, separator=' ')",
    "tf.strings.unsorted_segment_join(['a', 'b', 'c'], [0, 1, 0], 3, ':')",
    "tf.strings.unicode_decode('h\\u00e9', 'UTF-8')",
    "tf.strings.unicode_split('h\\u00e9\\U0001f600', 'UTF-8')",
    "tf.strings.unicode_encode([[104, 233], [97, 98]], 'UTF-8')",
    "tf.strings.unicode_encode([104, 233], 'UTF-16-BE')",
    "tf.strings.unicode_transcode(['h\\u00e9'], 'UTF-8', 'UTF-16-BE')",
    "tf.strings.unicode_transcode([b'a\\xffb'], 'UTF-8', 'UTF-8')",
    "tf.strings.format('x={} y={}', (tf.constant([1, 2]), tf.constant('s')))",
    "tf.strings.format('{}', tf.range(10))",
    "tf.strings.format('{}', tf.constant([[1.5, 2.0], [3.0, 0.25]]))",
    "tf.strings.format('{}', tf.constant(['a', 'b']))",
    "tf.strings.ngrams(['a', 'b', 'c', 'd'], 2)",
    "tf.strings.ngrams(['a', 'b', 'c'], [1, 3], '-')",
    "tf.strings.ngrams(['a', 'b'], 3, pad_values=('L', 'R'))",
]


def plain(value):
    """Nested lists with text for bytes (as latin-1, one character a byte)."""
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.decode("latin-1") if isinstance(value, bytes) else value


def main() -> None:
    """Write strings.json beside this file."""
    import tensorflow as tf

    arrays = [np.asarray(tf.convert_to_tensor(eval(e, {"tf": tf})).numpy()) for e in EXPRESSIONS]
    values = [[e, plain(a.tolist())] for e, a in zip(EXPRESSIONS, arrays, strict=True)]
    path = Path(__file__).with_name("strings.json")
    path.write_text(json.dumps({"tensorflow": tf.__version__, "values": values}, indent=0))
    print(path, file=sys.stderr)


if __name__ == "__main__":
    main()
