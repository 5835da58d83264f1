"""Record what real TensorFlow's array functions give: `python tests/golden/record_arrays.py` where tensorflow is installed.

Every entry of arrays.json is an expression over `tf`, `np`, `x` (float32 [2, 3, 4]), `m` (float32 [3, 4]), `k` (int32
[2, 3]), `extract_patches` (tf.image) and `g` (the gradient of the sum of a function's value, weighted by 1, 2, 3, ...), with its value or the type of
its error.
"""

import json
import sys
from pathlib import Path

import numpy as np

EXPRESSIONS = [
    "tf.reshape(x, [4, -1])",
    "tf.transpose(x, [2, 0, 1])",
    "tf.transpose(x)",
    "tf.squeeze(x[:1])",
    "tf.expand_dims(k, -1)",
    "tf.concat([x, x[:, :1]], 1)",
    "tf.stack([m, m + 1], 1)",
    "tf.stack([1, 2.5])",
    "tf.unstack(m, axis=1)[2]",
    "tf.split(m, [1, 2], 0)[1]",
    "tf.split(m, 2, -1)[0]",
    "tf.tile(k, [2, 1])",
    "tf.broadcast_to(k[:, :1], [2, 2, 3])",
    "tf.shape(x)",
    "tf.size(x)",
    "tf.rank(x)",
    "tf.shape(x, tf.int64)",
    "tf.fill([2, 2], 3.5)",
    "tf.zeros_like(k)",
    "tf.ones_like(k, tf.bool)",
    "tf.range(5)",
    "tf.range(3, 10, 2)",
    "tf.range(5, 0, -2)",
    "tf.range(0.0, 1.0, 0.3)",
    "tf.range(2.5)",
    "tf.range(4, dtype=tf.int64)",
    "tf.range(0, 4.5)",
    "tf.linspace(0.0, 1.0, 7)",
    "tf.linspace(0, 10, 4)",
    "tf.linspace([0.0, 5.0], [1.0, 6.0], 3)",
    "tf.linspace([0.0, 5.0], [1.0, 6.0], 3, axis=-1)",
    "tf.linspace(2.0, 3.0, 1)",
    "tf.linspace(2.0, 3.0, 0)",
    "tf.one_hot([0, 2, -1, 5], 3)",
    "tf.one_hot([[0, 1]], 2, axis=0)",
    "tf.one_hot([1], 3, 5, -1)",
    "tf.one_hot([1], 3, True, False)",
    "tf.one_hot([1, 2], 3, dtype=tf.int64)",
    "x[1, ..., ::2]",
    "x[:, tf.newaxis, 1]",
    "x[..., -1:-4:-2]",
    "x[tf.constant(1), 1:]",
    "x[k > 0]",
    "m[m > 0]",
    "x[::-1, 2, 1]",
    "m[1:tf.constant(3), tf.constant(-1)]",
    "tf.slice(x, [0, 1, 1], [-1, 2, 3])",
    "tf.strided_slice(m, [0, 3], [3, 0], [2, -1])",
    "tf.strided_slice(m, [1], [2], shrink_axis_mask=1)",
    "tf.pad(k, [[1, 0], [0, 2]])",
    "tf.pad(k, [[1, 1], [2, 2]], 'REFLECT')",
    "tf.pad(k, [[2, 1], [0, 3]], 'SYMMETRIC')",
    "tf.pad(k, [[0, 0], [1, 1]], constant_values=9)",
    "tf.gather(x, [1, 0, 1])",
    "tf.gather(x, [[2, 0]], axis=1)",
    "tf.gather(x, k % 3, axis=2, batch_dims=1)",
    "tf.gather(k, [[0], [2]], batch_dims=1)",
    "tf.gather(x, 1, axis=-1)",
    "tf.gather_nd(x, [[0, 1], [1, 2]])",
    "tf.gather_nd(x, [[[0]], [[1]]], batch_dims=1)",
    "tf.gather_nd(k, [[0, 0], [7, 7]], bad_indices_policy='IGNORE')",
    "tf.where(k > 0, k, -k)",
    "tf.where(k)",
    "tf.where([True, False], [[1.0, 2.0]], 0.0)",
    "tf.boolean_mask(m, [True, False, True])",
    "tf.boolean_mask(x, k > 0)",
    "tf.boolean_mask(m, [True, False, True, True], axis=1)",
    "tf.scatter_nd([[1], [0], [1]], [[1, 2], [3, 4], [5, 6]], [3, 2])",
    "tf.tensor_scatter_nd_update(m, [[1], [2]], m[:2])",
    "tf.tensor_scatter_nd_add(m, [[1, 1], [1, 1]], [5.0, 6.0])",
    "tf.tensor_scatter_nd_sub(k, [[0], [0]], [[1, 1, 1], [2, 2, 2]])",
    "tf.tensor_scatter_nd_min(m, [[0]], [[0.0, 0.0, 0.0, 0.0]])",
    "tf.tensor_scatter_nd_max(m, [[0]], [[0.0, 0.0, 0.0, 0.0]])",
    "tf.dynamic_partition(m, [1, 0, 1], 2)[1]",
    "tf.dynamic_stitch([[0, 2], [1, 0]], [[1, 2], [3, 4]])",
    "tf.reverse(x, [0, 2])",
    "tf.reverse_sequence(x, [2, 3], seq_axis=1)",
    "tf.reverse_sequence(m, [2, 0, 1, 3], seq_axis=0, batch_axis=1)",
    "tf.roll(m, [1, -1], [0, 1])",
    "tf.roll(k, 5, 1)",
    "tf.repeat(k, 2)",
    "tf.repeat(k, [1, 2], axis=0)",
    "tf.repeat(k, 3, axis=1)",
    "tf.repeat([1, 2], 2, axis=0)",
    "tf.meshgrid([1, 2], [3, 4, 5])[1]",
    "tf.meshgrid([1, 2], [3, 4, 5], indexing='ij')[0]",
    "tf.sequence_mask([[1, 2], [0, 3]], 4, tf.int32)",
    "tf.sequence_mask([2, 1])",
    "tf.unravel_index([2, 5], [2, 3])",
    "tf.sort(m, direction='DESCENDING')",
    "tf.sort(k, axis=0)",
    "tf.argsort([3, 1, 3, 2])",
    "tf.argsort([3, 1, 3, 2], direction='DESCENDING')",
    "tf.argsort(m, axis=0)",
    "tf.math.top_k([1, 3, 3, 2], 2).indices",
    "tf.math.top_k(m, 2).values",
    "tf.searchsorted([[1, 3, 5], [2, 4, 6]], [[3, 0], [7, 4]])",
    "tf.searchsorted([1, 3, 3, 5], [3, 5], side='right')",
    "tf.unique([5, 2, 5, 1]).y",
    "tf.unique([5, 2, 5, 1]).idx",
    "tf.unique_with_counts([5, 2, 5]).count",
    "tf.math.invert_permutation([2, 0, 1])",
    "tf.nn.space_to_depth(tf.reshape(tf.range(32), [1, 4, 4, 2]), 2)",
    "tf.nn.depth_to_space(tf.reshape(tf.range(32), [1, 2, 2, 8]), 2)",
    "tf.space_to_batch(tf.reshape(tf.range(16), [1, 4, 4, 1]), [2, 2], [[0, 0], [2, 0]])",
    "tf.batch_to_space(tf.reshape(tf.range(16), [4, 2, 2, 1]), [2, 2], [[0, 1], [1, 0]])",
    "tf.space_to_batch(tf.reshape(tf.range(12), [1, 6, 2]), [3], [[0, 0]])",
    "extract_patches(tf.reshape(tf.range(50.0), [1, 5, 5, 2]), [1, 3, 2, 1], [1, 2, 1, 1], [1, 1, 2, 1], 'SAME')",
    "extract_patches(tf.reshape(tf.range(25.0), [1, 5, 5, 1]), [1, 3, 3, 1], [1, 2, 2, 1], [1, 1, 1, 1], 'VALID')",
    "tf.required_space_to_batch_paddings([5, 7], [2, 3])[0]",
    "tf.cast(m, tf.int32)",
    "tf.cast([1.9, -1.9, 300.0], tf.uint8)",
    "tf.cast(k, tf.bool)",
    "tf.cast(3 + 4j, tf.float32)",
    "tf.saturate_cast([-5.0, 300.0, 3.7], tf.uint8)",
    "tf.saturate_cast([1e10, -1e10], tf.int32)",
    "tf.bitcast(1.5, tf.int32)",
    "tf.bitcast([[1, 2]], tf.int64)",
    "tf.bitcast(tf.constant([258], tf.int32), tf.uint8)",
    "tf.broadcast_dynamic_shape([2, 1], [1, 3])",
    "tf.constant([1, 2], shape=[2, 1])",
    "tf.constant(7, shape=[3])",
    "tf.convert_to_tensor([1, tf.constant(2)])",
    "tf.identity(k)",
    "g(lambda t: tf.gather(t, [0, 1, 1], axis=1), x)",
    "g(lambda t: tf.gather(t, k % 4, axis=2, batch_dims=1), x)",
    "g(lambda t: t[1, ::2, ::-1], x)",
    "g(lambda t: tf.pad(t, [[1, 1], [2, 2]], 'REFLECT'), m)",
    "g(lambda t: tf.pad(t, [[1, 1], [2, 2]], 'SYMMETRIC'), m)",
    "g(lambda t: tf.tile(t, [2, 3]), m)",
    "g(lambda t: tf.where(m > 0, t, t * 2), m)",
    "g(lambda t: tf.tensor_scatter_nd_max(t, [[0]], [[0.0] * 4]), m)",
    "g(lambda t: tf.tensor_scatter_nd_update(m, [[1]], t), m[:1])",
    "g(lambda t: tf.math.top_k(t, 2).values, m)",
    "g(lambda t: tf.sort(t, axis=0), m)",
    "g(lambda t: tf.gather_nd(t, [[0, 1], [1, 1], [0, 1]]), m)",
    "g(lambda t: tf.linspace(t[0], t[1], 4), m)",
    "g(lambda t: tf.roll(t, 1, 0) * m, m)",
    "g(lambda t: tf.repeat(t, [1, 0, 2], axis=0), m)",
    "g(lambda t: tf.dynamic_partition(t, [1, 0, 1], 2)[1], m)",
    "g(lambda t: tf.reverse_sequence(t, [1, 3, 2], seq_axis=1), m)",
    "g(lambda t: extract_patches(tf.reshape(t, [1, 3, 4, 1]), [1, 2, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], 'SAME'), m)",
    "g(lambda t: tf.split(t, [1, 3], 1)[1], m)",
    "g(lambda t: tf.boolean_mask(t, [True, False, True]), m)",
    "g(lambda t: tf.cast(tf.cast(t, tf.float64), tf.float32), m)",
    "g(lambda t: tf.nn.space_to_depth(tf.reshape(t, [1, 2, 6, 1]), 2), m)",
]


def names(tf, extract_patches):
    """What the expressions refer to."""
    rng = np.random.default_rng(3)

    def g(function, at):
        at = tf.convert_to_tensor(at)
        with tf.GradientTape() as tape:
            tape.watch(at)
            out = function(at)
        weights = np.arange(1, out.numpy().size + 1, dtype=np.float32).reshape(out.shape)
        return tf.convert_to_tensor(tape.gradient(out, at, tf.constant(weights)))

    x, m = (tf.constant(rng.normal(size=s).astype(np.float32).round(3)) for s in ((2, 3, 4), (3, 4)))
    return {
        "tf": tf,
        "np": np,
        "x": x,
        "m": m,
        "k": tf.constant([[3, -1, 0], [0, 2, 5]]),
        "g": g,
        "extract_patches": extract_patches,
    }


def evaluate(expression, space):
    """[dtype, shape, values] of an expression, or the name of its error's type."""
    try:
        value = space["tf"].convert_to_tensor(eval(expression, space))
    except Exception as error:
        return type(error).__name__
    kind = float if value.dtype.is_floating else bool if value.dtype.is_bool else int
    return [value.dtype.name, value.shape.as_list(), [kind(v) for v in np.asarray(value.numpy()).reshape(-1)]]


def main() -> None:
    """Write arrays.json beside this file."""
    import tensorflow as tf

    space = names(tf, tf.image.extract_patches)
    values = [[e, evaluate(e, space)] for e in EXPRESSIONS]
    path = Path(__file__).with_name("arrays.json")
    path.write_text(json.dumps({"tensorflow": tf.__version__, "values": values}, indent=0))
    print(path, file=sys.stderr)


if __name__ == "__main__":
    main()
