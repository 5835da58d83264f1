"""What notebooks show for tensors, variables and models: HTML that is short and escaped."""

import re

import ml_dtypes
import numpy as np
import pytest

import duoflow as tf


def cells(value):
    """The rows of texts of the shown table."""
    rows = re.findall(r"<tr>(.*?)</tr>", value._repr_html_(), re.S)
    return [re.findall(r"<t[dh]>(.*?)</t[dh]>", row, re.S) for row in rows]


@pytest.mark.parametrize(
    "value, shown",
    [
        (3.0, [["3"]]),
        ([1, 2], [["1", "2"]]),
        ([[0.1, 1e-9], [np.nan, -2.5]], [["0.1", "1e-09"], ["nan", "-2.5"]]),
        ([True], [["True"]]),
        ([1 + 2j], [["(1+2j)"]]),
        ([b"<b>", b"\xff"], [["&lt;b&gt;", "\\xff"]]),
        (np.array([1.5], ml_dtypes.bfloat16), [["1.5"]]),
        (["x" * 100], [["x" * 59 + "…"]]),
        (np.zeros((2, 0), "float32"), [[], []]),
    ],
    ids=["scalar", "vector", "matrix", "bool", "complex", "strings", "bfloat16", "long", "empty"],
)
def test_values(value, shown):
    assert cells(tf.constant(value)) == shown


def test_the_title_says_shape_and_dtype():
    assert "<code>tf.Tensor shape=(2,) dtype=int32</code>" in tf.constant([1, 2])._repr_html_()
    shown = tf.Variable(1.0, name="<v>")._repr_html_()
    assert "<code>tf.Variable &#x27;&lt;v&gt;:0&#x27; shape=() dtype=float32</code>" in shown


def test_the_middle_of_long_axes_is_left_out():
    rows = cells(tf.reshape(tf.range(300_000), (300, 1000)))
    assert len(rows) == 11 and {len(row) for row in rows} == {11}
    assert rows[0] == ["0", "1", "2", "3", "4", "…", "995", "996", "997", "998", "999"]
    assert rows[5] == ["…"] * 11 and rows[-1][-1] == "299999"
    assert len(cells(tf.range(11))[0]) == 11


def test_more_dimensions_are_text():
    shown = tf.zeros((50, 40, 30))._repr_html_()
    assert "<pre>[[[0. 0. ... 0. 0.]" in shown and len(shown) < 1000


def test_what_has_no_values_is_left_to_the_repr():
    assert tf.Variable(1.0).handle._repr_html_() is None

    @tf.function
    def traced(x):
        assert not hasattr(x, "_repr_html_") and v._repr_html_() is None
        return x

    v = tf.Variable(1.0)
    traced(tf.constant(1.0))
