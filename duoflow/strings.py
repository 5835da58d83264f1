"""Strings: `tf.strings`."""

from duoflow.ops import (
    as_string,
    bytes_split,
    reduce_join,
    regex_full_match,
    regex_replace,
    to_hash_bucket,
    to_hash_bucket_fast,
    to_hash_bucket_strong,
    unicode_decode,
    unicode_encode,
    unicode_split,
    unicode_transcode,
    unsorted_segment_join,
)
from duoflow.ops import (
    string_format as format,
)
from duoflow.ops import (
    string_join as join,
)
from duoflow.ops import (
    string_length as length,
)
from duoflow.ops import (
    string_lower as lower,
)
from duoflow.ops import (
    string_ngrams as ngrams,
)
from duoflow.ops import (
    string_split as split,
)
from duoflow.ops import (
    string_strip as strip,
)
from duoflow.ops import (
    string_substr as substr,
)
from duoflow.ops import (
    string_to_number as to_number,
)
from duoflow.ops import (
    string_upper as upper,
)

__all__ = [
    "as_string",
    "bytes_split",
    "format",
    "join",
    "length",
    "lower",
    "ngrams",
    "reduce_join",
    "regex_full_match",
    "regex_replace",
    "split",
    "strip",
    "substr",
    "to_hash_bucket",
    "to_hash_bucket_fast",
    "to_hash_bucket_strong",
    "to_number",
    "unicode_decode",
    "unicode_encode",
    "unicode_split",
    "unicode_transcode",
    "unsorted_segment_join",
    "upper",
]
