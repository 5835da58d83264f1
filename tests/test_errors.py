"""Bad input raises what TensorFlow and Keras raise for it, and says what came and on which line of the user's.

The cases are in tests/golden/bad_calls.py and bad_programs.py, what TensorFlow did with them in errors.json.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

import duoflow as tf
from tests.golden.bad_calls import calls
from tests.golden.record_errors import cases, raised

RECORDED: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "golden" / "errors.json").read_text(encoding="utf-8")
)

#: TensorFlow lets pass in one way of calling what it (or its next operation) refuses in another; here it is refused.
STRICTER = {
    "compile: loss weights for an unknown output",
    "compile: loss weights of the wrong count",
    "compile: too many losses",
    "concrete: wrong rank",
    "concrete: wrong shape",
    "fit: class weight of a wrong class",
    "fit: empty arrays",
    "fit: empty dataset",
    "t([1.0, 2.0])[None, ..., ...]",
    "t([True]) * t([False])",
    "tf.TensorArray(tf.float32, 2).unstack(t([1, 2]))",
    "tf.TensorArray(tf.float32, 2).write(0, t(1.0)).read(1)",
    "tf.autodiff.ForwardAccumulator(t(1.0), t([1.0, 2.0]))",
    "tf.linalg.expm(t([1.0]))",
    "tf.nn.avg_pool2d(tf.zeros([1, 2, 2, 1]), 3, 1, 'VALID')",
    "tf.nn.conv3d(tf.zeros([1, 4, 4, 1]), tf.zeros([2, 2, 2, 1, 1]), [1] * 5, 'SAME')",
    "tf.ones([2, 2.5])",
    "tf.random.set_seed('a')",
    "tf.reduce_sum(t([[1.0]]), axis=[0, 0])",
    "tf.reshape(tf.zeros([0, 3]), [-1, 0])",
    "tf.reverse(t([1.0]), [1])",
    "tf.reverse(t([[1.0]]), [0, 0])",
    "tf.strided_slice(t([1.0]), [0, 0], [1, 1], [1, 1])",
    "tf.tile(t(1.0), [1])",
    "tf.transpose(t([[1.0]]), [0, 0])",
    "tf.transpose(t([[1.0]]), [0, 1, 2])",
}

#: TensorFlow's type comes from deep inside (an AttributeError, an IndexError, an abort, another type for every way of
#: calling); here it is the type of such mistakes elsewhere.
ANOTHER_TYPE = {
    "autograph: assert that fails",
    "data: flat_map of no datasets",
    "data: interleave of no datasets",
    "data: padded_batch smaller than an element",
    "fit: no data",
    "fit: unknown key of targets",
    "predict: empty arrays",
    "session: feed that is no dict",
    "session: fetch of an eager tensor",
    "session: iterating over a tensor",
    "t([1.0, 2.0])[t([0, 1])]",
    "t([1.0, 2.0])[t(5)]",
    "tf.broadcast_dynamic_shape(t([2]), t([3]))",
    "tf.cond(t(True), lambda: (1, 2), lambda: 3)",
    "tf.config.set_logical_device_configuration(5, 5)",
    "tf.eye(2, batch_shape=[-1])",
    "tf.foldl(lambda a, x: a + x, t(1.0))",
    "tf.image.random_crop(tf.zeros([2, 2, 1]), [3, 3, 1])",
    "tf.linalg.cross(t([1.0, 2.0]), t([1.0, 2.0]))",
    "tf.linalg.lstsq(t([[1.0]]), t([[1.0], [2.0]]))",
    "tf.linalg.tridiagonal_solve(t([[1.0]]), t([1.0]))",
    "tf.map_fn(1, t([1.0]))",
    "tf.math.angle(t(['a']))",
    "tf.math.unsorted_segment_sum(t([1.0]), t([0]), -1)",
    "tf.nn.conv2d_transpose(tf.zeros([1, 2, 2, 1]), tf.zeros([2, 2, 1, 1]), [1, 9, 9, 1], 2)",
    "tf.nn.conv2d_transpose(tf.zeros([1, 2, 2, 1]), tf.zeros([2, 2, 1, 3]), [1, 4, 4, 1], 2)",
    "tf.nn.log_softmax(t([1.0]), axis=-3)",
    "tf.nn.max_pool2d(tf.zeros([1, 2, 2, 1]), 0, 1, 'VALID')",
    "tf.nn.softmax(t(1.0))",
    "tf.nn.softmax(t([1.0]), axis=2)",
    "tf.pad(t([1.0]), [[-1, 1]])",
    "tf.pow(t([2]), t([-1]))",
    "tf.range(0, 'a')",
    "tf.reduce_sum(t([1.0]), axis='a')",
    "tf.repeat(t([1.0, 2.0]), [1, 2, 3], axis=0)",
    "tf.repeat(t([1.0]), 2, axis=2)",
    "tf.scan(lambda a, x: a + x, t(1.0))",
    "tf.scan(lambda a, x: tf.cast(a, tf.int32), t([1.0, 2.0]))",
    "tf.signal.rfft(t([1]))",
    "tf.sort(t(1.0))",
    "tf.sort(t([1.0]), axis=3)",
    "tf.strings.substr(t('abc'), 0, t(['a']))",
    "tf.tensordot(t([[1.0, 2.0]]), t([[1.0]]), 1)",
    "tf.tensordot(t([[1.0]]), t([[1.0]]), 3)",
    "tf.tensordot(t([[1.0]]), t([[1.0]]), [[5], [0]])",
    "tf.tensordot(t([[1.0]]), t([[1]]), 1)",
    "tf.transpose(t([[1.0]]), [0, 2])",
    "tf.truncatediv(t([1]), t([0]))",
    "tf.vectorized_map(lambda x: x, t(1.0))",
    "tf.while_loop(lambda i: i < 3, lambda i: i + 1, [])",
    "tf.while_loop(lambda i: i, lambda i: i + 1, [t(0)])",
    "v[0].assign(t([1.0, 2.0]))",
}

#: What works here.
ACCEPTED = {
    "autograph: undefined before the loop",
    "tf.TensorArray(tf.float32, 2, element_shape=[2]).write(0, t([1.0])).stack()",
    "tf.cond(t(1.5), lambda: 1, lambda: 2)",
    "tf.cond(t([True, False]), lambda: 1, lambda: 2)",
    "tf.debugging.assert_shapes([(t([1.0]), (2,))])",
    "tf.nn.bias_add(t([1.0]), t([1.0]))",
    "tf.nn.bias_add(t([[1.0, 2.0]]), t([1.0]))",
    "tf.nn.bias_add(t([[1.0]]), t([[1.0]]))",
    "tf.while_loop(lambda i: i < 3, lambda i: tf.cast(i + 1, tf.float32), [t(0)])",
    "tf.while_loop(lambda i: tf.size(i) < 9, lambda i: tf.concat([i, i], 0), [t([0])])",
}


def _is_here(error: Exception | None) -> bool:
    """Whether what a case calls exists, or is one of the names that are to be missing."""
    return not isinstance(error, AttributeError) or "has no attribute" not in str(error)


@pytest.mark.parametrize(("way", "case"), cases(), ids=[f"{way}: {case}" for way, case in cases()])
@pytest.mark.filterwarnings("ignore")
def test_type(way: str, case: str) -> None:
    expected = RECORDED[way][case]
    error = raised(tf, way, case)
    found = None if error is None else type(error).__name__
    if expected != "AttributeError" and not _is_here(error):
        pytest.skip(str(error))
    if expected == "abort":
        assert case in ACCEPTED or isinstance(error, (tf.errors.InvalidArgumentError, ValueError))
    elif found != expected:
        assert case in STRICTER | ANOTHER_TYPE | ACCEPTED, f"{found}: {error}"
        assert found is not None or case in ACCEPTED
        assert expected is not None or case in STRICTER
    if isinstance(error, tf.errors.OpError):
        assert error.message
        assert 'File "' in error.message


def test_every_exemption_is_a_case() -> None:
    assert {case for _, case in cases()} >= STRICTER | ANOTHER_TYPE | ACCEPTED


def test_no_call_warns_of_its_own_making() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        for way, case in calls()[::7]:
            error = raised(tf, way, case)
            assert not isinstance(error, RuntimeWarning), case
