"""`tf.strings` gives what TensorFlow gives, and refuses what would be ragged."""

import json
from pathlib import Path

import numpy as np
import pytest

import duoflow as tf
from duoflow.core import errors

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "strings.json").read_text())["values"]


def _plain(value):
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value.decode("latin-1") if isinstance(value, bytes) else value


@pytest.mark.parametrize(("expression", "expected"), GOLDEN, ids=[e[:50] for e, _ in GOLDEN])
def test_same_as_tensorflow(expression: str, expected: object) -> None:
    """An expression recorded from TensorFlow."""
    value = tf.convert_to_tensor(eval(expression, {"tf": tf}))
    assert _plain(np.asarray(value.numpy()).tolist()) == expected


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: tf.strings.split(["a b", "c"]), errors.UnimplementedError, "ragged"),
        (lambda: tf.strings.to_number("x1"), errors.InvalidArgumentError, "could not correctly convert string: x1"),
        (
            lambda: tf.strings.substr("abc", 5, 1),
            errors.InvalidArgumentError,
            "pos 5 out of range for string at index 0",
        ),
        (lambda: tf.strings.lower([1]), TypeError, "dtype string"),
        (lambda: tf.strings.lower(tf.constant(1)), errors.InvalidArgumentError, "takes strings"),
        (lambda: tf.strings.regex_replace("a", "(", ""), errors.InvalidArgumentError, "Invalid pattern"),
        (lambda: tf.strings.format("{} {}", [1]), ValueError, "expects 2 tensors"),
        (
            lambda: tf.strings.unicode_decode(b"\xff", "UTF-8", "strict"),
            errors.InvalidArgumentError,
            "Invalid formatting",
        ),
    ],
)
def test_errors(call, kind, message) -> None:
    """The type TensorFlow raises, and what was wrong."""
    with pytest.raises(kind, match=message.replace("(", r"\(")):
        call()


def test_patterns_match_characters() -> None:
    """As RE2: classes and dots take whole characters, POSIX classes are known, bytes that are no text survive."""
    assert tf.strings.regex_replace("h\u00e9llo", "[\u00e9o]", "_").numpy() == b"h_ll_"
    assert tf.strings.regex_full_match("\u00e9", ".").numpy()
    assert tf.strings.regex_replace("a1 b2", "[[:digit:][:space:]]", "").numpy() == b"ab"
    assert tf.strings.regex_replace(b"a\xff1", "[0-9]", "").numpy() == b"a\xff"


def test_strings_in_a_function() -> None:
    """String ops are traced like any other."""

    @tf.function
    def shout(x):
        return tf.strings.join([tf.strings.upper(x), "!"])

    assert shout(tf.constant(["a", "b"])).numpy().tolist() == [b"A!", b"B!"]


def test_scalars_are_joined() -> None:
    assert (tf.constant("ab") + "c").numpy() == b"abc"
    assert ("a" + tf.constant(["b", "c"])).numpy().tolist() == [b"ab", b"ac"]
