"""Record what real TensorFlow's random functions give: `python tests/golden/record_random.py` where tensorflow is installed.

Every entry of random.json is an expression over `tf` and the list of numbers it gives; an entry runs after the
`setup` of its group, in order.
"""

import json
import sys
from pathlib import Path

GROUPS = [
    {
        "name": "stateless",
        "setup": "",
        "expressions": [
            *[
                f"tf.random.stateless_uniform([7], {seed}, dtype=tf.{dtype})"
                for seed in ("[7, 17]", "tf.constant([-3, 1 << 40], tf.int64)")
                for dtype in ("float16", "bfloat16", "float32", "float64")
            ],
            *[
                f"tf.random.stateless_uniform([3, 3], [7, 17], None, None, tf.{d})"
                for d in ("int32", "int64", "uint32", "uint64")
            ],
            *[f"tf.random.stateless_uniform([9], [7, 17], -5, 1000, tf.{dtype})" for dtype in ("int32", "int64")],
            "tf.random.stateless_uniform([5], [1, 2], -1.0, 3.0)",
            "tf.random.stateless_uniform([5], [1, 2], alg='philox')",
            *[
                f"tf.random.stateless_normal([11], [7, 17], dtype=tf.{d})"
                for d in ("float16", "bfloat16", "float32", "float64")
            ],
            "tf.random.stateless_normal([2, 3], [0, 0], 5.0, 0.5)",
            *[
                f"tf.random.stateless_truncated_normal([23], [7, 17], dtype=tf.{d})"
                for d in ("float16", "float32", "float64")
            ],
            "tf.random.stateless_categorical(tf.math.log([[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]]), 10, [7, 17])",
            "tf.random.stateless_categorical(tf.math.log([[0.1, 0.2, 0.7]]), 9, [7, 18], tf.int32)",
            "tf.random.stateless_gamma([6], [7, 17], 0.5)",
            "tf.random.stateless_gamma([6], [7, 17], 3.0)",
            "tf.random.stateless_gamma([5, 2], [7, 17], [0.5, 2.5], 2.0)",
            "tf.random.stateless_gamma([4], [7, 17], tf.constant(1.5, tf.float64), dtype=tf.float64)",
            "tf.random.stateless_poisson([8], [7, 17], 3.0)",
            "tf.random.stateless_poisson([8], [7, 17], 30.0)",
            "tf.random.stateless_poisson([4, 2], [7, 17], [0.5, 50.0], tf.float32)",
            "tf.random.stateless_binomial([8], [7, 17], 100.0, 0.5)",
            "tf.random.experimental.stateless_shuffle(tf.range(10), [7, 17])",
            "tf.random.split([7, 17], 3)",
            "tf.random.fold_in([7, 17], 5)",
            "tf.random.experimental.stateless_fold_in(tf.constant([7, 17], tf.int64), tf.constant(9, tf.int64))",
        ],
    },
    {
        "name": "global and op seeds",
        "setup": "tf.random.set_seed(1234)",
        "expressions": [
            "tf.random.uniform([3])",
            "tf.random.uniform([3])",
            "tf.random.normal([3])",
            "tf.random.uniform([3], seed=1)",
            "tf.random.uniform([3], seed=1)",
            "tf.random.uniform([2, 2], 0, 10, tf.int32)",
            "tf.random.normal([5], 1.0, 2.0, seed=3)",
            "tf.random.normal([5], 1.0, 2.0, seed=3)",
            "tf.random.truncated_normal([9])",
            "tf.random.truncated_normal([3], seed=5)",
            "tf.random.truncated_normal([3], seed=5)",
            "tf.random.shuffle(tf.range(10))",
            "tf.random.shuffle(tf.range(5), seed=2)",
            "tf.random.categorical([[0.0, 1.0, 2.0]], 8)",
            "tf.random.categorical([[0.0, 1.0, 2.0]], 8, seed=2)",
            "tf.random.categorical([[0.0, 1.0, 2.0]], 8, seed=2)",
            "tf.random.gamma([4], 0.7)",
            "tf.random.gamma([4], 3.0, seed=1)",
            "tf.random.gamma([4], 3.0, seed=1)",
            "tf.random.poisson([6], 2.0)",
            "tf.random.poisson([6], 20.0, seed=1)",
            "tf.random.uniform([3], dtype=tf.float64)",
            "tf.random.uniform([3], 5, 9, tf.int64, seed=4)",
        ],
    },
    {
        "name": "op seeds alone",
        "setup": "tf.random.set_seed(None)",
        "expressions": [
            "tf.random.uniform([3], seed=1)",
            "tf.random.uniform([3], seed=1)",
            "tf.random.normal([3], seed=9)",
        ],
    },
    {
        "name": "seeds in functions",
        "setup": "tf.random.set_seed(5)\n@tf.function\ndef f():\n  return tf.random.uniform([2]), tf.random.uniform([2]), tf.random.normal([2], seed=7)",
        "expressions": ["tf.concat(f(), 0)", "tf.concat(f(), 0)"],
    },
    {
        "name": "generator",
        "setup": "g = tf.random.Generator.from_seed(1234)",
        "expressions": [
            "g.state",
            "g.normal([2, 3])",
            "g.state",
            "g.uniform([4])",
            "g.uniform([4], 0, 100, tf.int32)",
            "g.uniform([2], None, None, tf.int32)",
            "g.uniform_full_int([2])",
            "g.truncated_normal([5])",
            "g.make_seeds(2)",
            "g.split(2)[1].normal([2])",
            "g.state",
            "g.key",
            "g.skip(3)",
            "g.state",
            "g.normal([2], dtype=tf.float64)",
            "tf.random.create_rng_state([12, 34], 'philox')",
            "tf.random.create_rng_state(2**70 + 5, 'philox')",
            "tf.random.Generator.from_seed([1, 2, 3]).uniform([2])",
        ],
    },
]


def main() -> None:
    """Write random.json beside this file."""
    import tensorflow as tf

    out = []
    for group in GROUPS:
        space = {"tf": tf}
        exec(group["setup"], space)
        values = []
        for expression in group["expressions"]:
            value = tf.convert_to_tensor(eval(expression, space))
            kind = float if value.dtype.is_floating else int
            values.append(
                [expression, value.dtype.name, value.shape.as_list(), [kind(v) for v in value.numpy().reshape(-1)]]
            )
        out.append({"name": group["name"], "setup": group["setup"], "values": values})
    path = Path(__file__).with_name("random.json")
    path.write_text(json.dumps({"tensorflow": tf.__version__, "groups": out}, indent=0))
    print(path, file=sys.stderr)


if __name__ == "__main__":
    main()
