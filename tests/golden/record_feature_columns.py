"""Records what TensorFlow makes of feature columns in feature_columns.json beside this file.

python -m tests.golden.record_feature_columns      # with an interpreter that has TensorFlow 2.21
"""

import json
import sys
from pathlib import Path

import numpy as np

FEATURES = {
    "price": [[1.0], [2.5], [-3.0], [10.0]],
    "pair": [[0.5, 1.5], [2.0, 3.0], [4.0, -1.0], [0.0, 9.0]],
    "color": [["R"], ["G"], ["violet"], [""]],
    "words": [["a", "b"], ["c", ""], ["a", "a"], ["", ""]],
    "more": [["b", "b"], ["a", ""], ["c", "x"], ["", ""]],
    "number": [0, 2, 1, 3],
    "ids": [[3, -1], [0, 1], [2, 2], [-1, -1]],
    "weights": [[0.5, 0.0], [1.0, 3.0], [-1.0, 4.0], [0.0, 0.0]],
    "big": [[7, 12345678901], [0, 3], [5, 6], [8, 9]],
}
LISTED = "fc.categorical_column_with_vocabulary_list('words', ['a', 'b', 'c', 'd'])"
COLOR = "fc.categorical_column_with_vocabulary_list('color', ['R', 'G', 'B']{})"
IDENTITY = "fc.categorical_column_with_identity('ids', 4)"
BUCKETS = "fc.bucketized_column(fc.numeric_column('price'), [0.0, 1.0, 5.0])"
PAIRS = "fc.bucketized_column(fc.numeric_column('pair', 2), [1, 2])"
WEIGHTED = f"fc.weighted_categorical_column({IDENTITY}, 'weights')"
CROSSED = "fc.crossed_column(['color', 'words'], 50)"

#: Columns of numbers, for an input layer.
DENSE = [
    "fc.numeric_column('price')",
    "fc.numeric_column('pair', shape=[2], normalizer_fn=lambda x: (x - 1.0) / 2.0)",
    "fc.numeric_column('number', dtype=tf.int64)",
    BUCKETS,
    PAIRS,
    f"fc.indicator_column({LISTED})",
    *[f"fc.indicator_column({COLOR.format(o)})" for o in ("", ", default_value=2", ", num_oov_buckets=2")],
    "fc.indicator_column(fc.categorical_column_with_vocabulary_list('number', [3, 1, 2]))",
    f"fc.indicator_column({IDENTITY})",
    "fc.indicator_column(fc.categorical_column_with_identity('number', 2, default_value=1))",
    "fc.indicator_column(fc.categorical_column_with_hash_bucket('words', 6))",
    "fc.indicator_column(fc.categorical_column_with_hash_bucket('big', 5, dtype=tf.int64))",
    f"fc.indicator_column({BUCKETS})",
    f"fc.indicator_column({PAIRS})",
    "fc.indicator_column(fc.crossed_column(['color', 'words'], 7))",
    f"fc.indicator_column(fc.crossed_column(['color', {BUCKETS}], 7, hash_key=5))",
    f"fc.indicator_column(fc.crossed_column([fc.crossed_column(['words', 'more'], 9), {IDENTITY}], 11))",
    *[f"fc.embedding_column({LISTED}, 3, combiner='{c}', initializer=START)" for c in ("mean", "sqrtn", "sum")],
    f"fc.embedding_column({LISTED}, 3, initializer=START, max_norm=0.7)",
    *[f"fc.embedding_column({WEIGHTED}, 2, combiner='{c}', initializer=START)" for c in ("mean", "sqrtn", "sum")],
    f"fc.embedding_column({CROSSED}, 2, initializer=START, trainable=False)",
    f"fc.embedding_column({BUCKETS}, 2, initializer=START)",
    "*fc.shared_embedding_columns([fc.categorical_column_with_vocabulary_list(k, ['a', 'b', 'c']) "
    "for k in ('words', 'more')], 2, initializer=START)",
    f"fc.numeric_column('price'), {PAIRS}, fc.indicator_column({LISTED}), "
    f"fc.embedding_column({LISTED}, 2, initializer=START)",
]  # fmt: skip

#: Columns for a linear model.
LINEAR = [
    "fc.numeric_column('pair', 2)",
    BUCKETS,
    LISTED,
    WEIGHTED,
    CROSSED,
    f"fc.indicator_column({LISTED})",
    f"fc.numeric_column('price'), {PAIRS}, {LISTED}, {CROSSED}",
]

#: Calls that are refused.
WRONG = [
    "fc.numeric_column(3)",
    "fc.numeric_column('a', shape=[2.5])",
    "fc.numeric_column('a', shape=[0])",
    "fc.numeric_column('a', dtype=tf.string)",
    "fc.numeric_column('a', 2, default_value=[1.0, 2.0, 3.0])",
    "fc.numeric_column('a', default_value='x')",
    "fc.numeric_column('a', normalizer_fn=3)",
    "fc.bucketized_column('a', [1])",
    "fc.bucketized_column(fc.numeric_column('a'), [])",
    "fc.bucketized_column(fc.numeric_column('a'), [2, 1])",
    "fc.bucketized_column(fc.numeric_column('a', [2, 2]), [1])",
    "fc.categorical_column_with_vocabulary_list('a', [])",
    "fc.categorical_column_with_vocabulary_list('a', ['x', 'x'])",
    "fc.categorical_column_with_vocabulary_list('a', ['x'], num_oov_buckets=-1)",
    "fc.categorical_column_with_vocabulary_list('a', ['x'], default_value=0, num_oov_buckets=1)",
    "fc.categorical_column_with_vocabulary_list('a', ['x'], dtype=tf.int64)",
    "fc.categorical_column_with_vocabulary_list('a', [1.5])",
    "fc.categorical_column_with_vocabulary_file('a', '')",
    "fc.categorical_column_with_vocabulary_file('a', 'none.txt')",
    "fc.categorical_column_with_identity('a', 0)",
    "fc.categorical_column_with_identity('a', 2, default_value=2)",
    "fc.categorical_column_with_hash_bucket('a', 0)",
    "fc.categorical_column_with_hash_bucket('a', 2, dtype=tf.float32)",
    "fc.crossed_column(['a'], 5)",
    "fc.crossed_column(['a', 'b'], 0)",
    "fc.crossed_column(['a', fc.numeric_column('b')], 5)",
    "fc.crossed_column(['a', fc.categorical_column_with_hash_bucket('b', 3)], 5)",
    f"fc.embedding_column({LISTED}, 0)",
    f"fc.embedding_column({LISTED}, 2, ckpt_to_load_from='x')",
    f"fc.embedding_column({LISTED}, 2, initializer=3)",
    f"fc.shared_embedding_columns([{LISTED}, {IDENTITY}, fc.categorical_column_with_identity('b', 5)], 2)",
    "fc.weighted_categorical_column('a', 'w', dtype=tf.string)",
    "fc.input_layer(features(), [])",
    "fc.input_layer(features(), [fc.numeric_column('missing')])",
    f"fc.input_layer(features(), [{LISTED}])",
    "fc.input_layer(features(), [fc.numeric_column('price'), fc.numeric_column('price')])",
    "fc.input_layer(features(), ['price'])",
    "fc.input_layer(features(), {})",
    "fc.input_layer({'price': 3.0}, [fc.numeric_column('price')])",
    "fc.input_layer(features(), [fc.indicator_column(fc.categorical_column_with_vocabulary_list('price', ['a']))])",
    f"fc.linear_model(features(), [fc.embedding_column({LISTED}, 2)])",
    "fc.make_parse_example_spec(['a'])",
    "fc.make_parse_example_spec([fc.numeric_column('a'), fc.numeric_column('a', 2)])",
]


def names(tf):
    """What the expressions are made of."""

    def start(shape, dtype=None, partition_info=None):
        return tf.reshape(tf.range(0.0, float(np.prod(shape))) / 10.0, shape)

    features = lambda: {key: tf.constant(value) for key, value in FEATURES.items()}
    return {"tf": tf, "fc": tf.feature_column, "START": start, "features": features}


def outcome(tf, kind, expression):
    """The numbers and the variables of a layer or a model over columns; the name of an error."""
    scope = names(tf)
    with tf.Graph().as_default(), tf.Session() as session:
        try:
            if kind == "wrong":
                eval(expression, scope)
                return {}
            columns = eval(f"[{expression}]", scope)
            layer = tf.feature_column.input_layer if kind == "dense" else tf.feature_column.linear_model
            output = layer(scope["features"](), columns)
        except (ValueError, TypeError) as error:
            return {"error": type(error).__name__}
        variables = sorted(tf.global_variables(), key=lambda v: v.name)
        session.run([tf.global_variables_initializer(), tf.tables_initializer()])
        if kind == "linear":
            for v in variables:
                size = int(np.prod(v.shape.as_list()))
                v.load((np.arange(size) / 10.0 + 0.1).reshape(v.shape.as_list()).astype("f"), session)
        trainable = {v.name for v in tf.trainable_variables()}
        return {
            "values": session.run(output).tolist(),
            "variables": [[v.name, v.shape.as_list(), v.name in trainable] for v in variables],
            "names": [c.name for c in columns],
        }


def main() -> None:
    """Write feature_columns.json beside this file."""
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    kinds = {"dense": DENSE, "linear": LINEAR, "wrong": WRONG}
    found = {kind: {e: outcome(tf, kind, e) for e in cases} for kind, cases in kinds.items()}
    path = Path(__file__).with_name("feature_columns.json")
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(path, file=sys.stderr)


if __name__ == "__main__":
    main()
