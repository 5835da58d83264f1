"""Calls of TensorFlow 1's losses, metrics, nn functions and sequence loops, for TensorFlow and for us alike.

`results(tf)` runs all of them with a `tf.compat.v1`; tests/golden/record_compat_v1_values.py records TensorFlow's.
"""

import numpy as np

_random = np.random.RandomState(0)
LABELS = _random.randint(0, 2, (6, 3)).astype("f")
SCORES, LOGITS = _random.rand(6, 3).astype("f"), _random.randn(6, 3).astype("f")
CLASSES = _random.randint(0, 3, (6,))
WEIGHTS, MANY = np.array([[1], [0], [2], [0.5], [0], [1]], "f"), _random.rand(6, 3).astype("f")
PER_ROW = np.array([1, 2, 0, 1, 0.5, 0], "f")
TRUTH, GUESS, SHARE = _random.rand(20) > 0.5, _random.rand(20).astype("f"), _random.rand(20).astype("f")
IMAGE, KERNEL = _random.randn(2, 5, 5, 3).astype("f"), _random.randn(3, 3, 3, 4).astype("f")
DEEP, POINT = _random.randn(3, 3, 3, 2).astype("f"), _random.randn(1, 1, 6, 4).astype("f")
TABLE, OFFSETS, ROWS = _random.randn(10, 4).astype("f"), _random.randn(10).astype("f"), _random.randn(2, 4).astype("f")
SEQUENCE, LENGTHS = _random.randn(4, 5, 2).astype("f"), np.array([5, 3, 0, 2])
REDUCTIONS = (
    "weighted_sum",
    "weighted_mean",
    "weighted_sum_by_nonzero_weights",
    "weighted_sum_over_batch_size",
    "none",
)
COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


def losses(tf):
    f = tf.losses
    found = {f"mse {r}": lambda r=r: f.mean_squared_error(LABELS, SCORES, WEIGHTS, reduction=r) for r in REDUCTIONS}
    return found | {
        "absolute": lambda: f.absolute_difference(LABELS, SCORES),
        "cosine": lambda: f.cosine_distance(LABELS, SCORES, axis=1),
        "hinge": lambda: f.hinge_loss(LABELS, LOGITS, MANY),
        "huber": lambda: f.huber_loss(LABELS, LOGITS * 3, delta=0.7),
        "log": lambda: f.log_loss(LABELS, SCORES),
        "pairwise": lambda: f.mean_pairwise_squared_error(LABELS, SCORES),
        "pairwise weighted": lambda: f.mean_pairwise_squared_error(LABELS, SCORES, WEIGHTS),
        "sigmoid": lambda: f.sigmoid_cross_entropy(LABELS, LOGITS, label_smoothing=0.1),
        "softmax": lambda: f.softmax_cross_entropy(LABELS, LOGITS, PER_ROW, label_smoothing=0.1),
        "sparse": lambda: f.sparse_softmax_cross_entropy(CLASSES, LOGITS),
        "sparse column": lambda: f.sparse_softmax_cross_entropy(CLASSES[:, None], LOGITS, WEIGHTS),
        "weights that do not fit": lambda: f.mean_squared_error(LABELS, SCORES, np.ones((5, 1), "f")),
        "shapes that do not fit": lambda: f.mean_squared_error(LABELS, SCORES[:, :2]),
        "total": lambda: (f.mean_squared_error(LABELS, SCORES), f.get_total_loss())[1],
    }


def metrics(tf):
    m, found = tf.metrics, {}
    for name in ("accuracy", "precision", "recall", *COUNTS):
        found[name] = lambda n=name: getattr(m, n)(TRUTH, GUESS > 0.4)
        found[f"{name} weighted"] = lambda n=name: getattr(m, n)(TRUTH, GUESS > 0.4, SHARE)
    for name in ("mean_squared_error", "root_mean_squared_error", "mean_absolute_error"):
        found[name] = lambda n=name: getattr(m, n)(LABELS, SCORES)
        found[f"{name} weighted"] = lambda n=name: getattr(m, n)(LABELS, SCORES, MANY)
    for name in (*COUNTS, "precision", "recall"):
        found[f"{name}_at_thresholds"] = lambda n=name: getattr(m, f"{n}_at_thresholds")(
            TRUTH, GUESS, [0.2, 0.5, 0.8], SHARE
        )
    for curve in ("ROC", "PR"):
        for how in ("trapezoidal", "minoring", "majoring"):
            found[f"auc {curve} {how}"] = lambda c=curve, h=how: m.auc(TRUTH, GUESS, SHARE, curve=c, summation_method=h)
    column = CLASSES[:, None].astype("int64")
    best = lambda: tf.constant(np.argmax(LOGITS, 1))
    pairs = np.array([[0, 1], [1, 2], [0, 2], [0, 1], [2, 1], [0, 2]])
    return found | {
        "mean": lambda: m.mean(SCORES),
        "mean named": lambda: m.mean(SCORES, MANY, name="foo"),
        "mean_tensor": lambda: m.mean_tensor(SCORES, MANY),
        "mean_relative_error": lambda: m.mean_relative_error(LABELS, SCORES, SCORES + 1),
        "mean_cosine_distance": lambda: m.mean_cosine_distance(LABELS, SCORES, 1),
        "percentage_below": lambda: m.percentage_below(SCORES, 0.5),
        "sensitivity": lambda: m.sensitivity_at_specificity(TRUTH, GUESS, 0.6),
        "specificity": lambda: m.specificity_at_sensitivity(TRUTH, GUESS, 0.6),
        "mean_iou": lambda: m.mean_iou(tf.constant(CLASSES), best(), 3),
        "mean_iou weighted": lambda: m.mean_iou(tf.constant(CLASSES), best(), 3, tf.constant(PER_ROW)),
        "per class": lambda: m.mean_per_class_accuracy(tf.constant(CLASSES), best(), 3, tf.constant(PER_ROW)),
        "recall_at_k": lambda: m.recall_at_k(column, LOGITS, 2),
        "recall_at_k of a class": lambda: m.recall_at_k(column, LOGITS, 2, class_id=1),
        "precision_at_k": lambda: m.precision_at_k(column, LOGITS, 2, weights=PER_ROW),
        "average_precision_at_k": lambda: m.average_precision_at_k(pairs, LOGITS, 2, name="average"),
        "recall_at_top_k": lambda: m.recall_at_top_k(tf.constant(column), tf.constant(np.array([[0, 1]] * 6))),
    }


def functions(tf):
    nn = tf.nn
    tables = [np.arange(8.0).reshape(4, 2), np.arange(6.0).reshape(3, 2)]
    true = np.array([[1], [3]])
    drawn = (np.array([0, 2, 3]), np.array([[0.5], [0.4]], "f"), np.array([0.3, 0.2, 0.1], "f"))
    return {
        "conv2d": lambda: nn.conv2d(IMAGE, KERNEL, [1, 2, 2, 1], "SAME"),
        "convolution": lambda: nn.convolution(IMAGE, KERNEL, "VALID", dilation_rate=[2, 2]),
        "conv1d": lambda: nn.conv1d(IMAGE[:, 0], KERNEL[0], 1, "SAME"),
        "max_pool": lambda: nn.max_pool(IMAGE, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"),
        "avg_pool": lambda: nn.avg_pool(IMAGE, [1, 2, 2, 1], [1, 2, 2, 1], "VALID"),
        "depthwise": lambda: nn.depthwise_conv2d(IMAGE, DEEP, [1, 1, 1, 1], "SAME", rate=[2, 2]),
        "separable": lambda: nn.separable_conv2d(IMAGE, DEEP, POINT, [1, 1, 1, 1], "SAME"),
        "transpose": lambda: nn.conv2d_transpose(
            IMAGE, KERNEL.transpose(0, 1, 3, 2), [2, 10, 10, 4], [1, 2, 2, 1], "SAME"
        ),
        "moments": lambda: nn.moments(IMAGE, [0, 1, 2], keep_dims=True),
        "fused_batch_norm": lambda: nn.fused_batch_norm(IMAGE, np.ones(3, "f"), np.zeros(3, "f")),
        "xw_plus_b": lambda: nn.xw_plus_b(SCORES, LOGITS[:3], np.ones(3, "f")),
        "lookup": lambda: nn.embedding_lookup(tables, np.arange(7)),
        "lookup div": lambda: nn.embedding_lookup(tables, np.arange(7), "div"),
        "in_top_k": lambda: nn.in_top_k(LOGITS, CLASSES, 2),
        "crelu": lambda: nn.crelu(LOGITS),
        "space_to_batch": lambda: tf.space_to_batch(IMAGE[:, :4], [[0, 0], [1, 0]], 2),
        "space_to_batch of a shape": lambda: tf.space_to_batch(IMAGE, [[1, 0], [0, 1]], block_shape=[2, 3]),
        "space_to_batch of both": lambda: tf.space_to_batch(IMAGE, [[0, 0], [0, 0]], 2, block_shape=[2, 2]),
        "space_to_batch of none": lambda: tf.space_to_batch(IMAGE, [[0, 0], [0, 0]]),
        "batch_to_space": lambda: tf.batch_to_space(KERNEL.reshape(4, 3, 3, 3), [[0, 1], [1, 0]], 2),
        "nce_loss": lambda: nn.nce_loss(TABLE, OFFSETS, true, ROWS, 3, 10, sampled_values=drawn),
        "nce_loss of parts": lambda: nn.nce_loss(
            [TABLE[::2], TABLE[1::2]], OFFSETS, true, ROWS, 3, 10, sampled_values=drawn, remove_accidental_hits=True
        ),
        "sampled_softmax_loss": lambda: nn.sampled_softmax_loss(
            TABLE, OFFSETS, true, ROWS, 3, 10, sampled_values=drawn
        ),
        "accidental hits": lambda: nn.compute_accidental_hits(true, np.array([0, 3, 1, 5]), 1),
    }


class Cell:
    """A cell that TensorFlow 2.21 takes too, which has dropped its own."""

    output_size = state_size = 3
    graph = None

    def __init__(self, tf):
        self.tf = tf

    def zero_state(self, batch, dtype):
        return self.tf.zeros(self.tf.stack([batch, 3]), dtype)

    def get_initial_state(self, inputs=None, batch_size=None, dtype=None):
        return self.zero_state(batch_size, dtype)

    def __call__(self, x, state, scope=None):
        tf = self.tf
        with tf.variable_scope(scope or "cell", reuse=tf.AUTO_REUSE):
            w = tf.get_variable("w", [x.get_shape().as_list()[-1] + 3, 3], initializer=tf.constant_initializer(0.1))
        new = tf.tanh(tf.matmul(tf.concat([x, state], 1), w))
        return new * 2, new


def sequences(tf):
    nn, steps = tf.nn, lambda: [tf.constant(SEQUENCE[:, i]) for i in range(5)]
    by_time = lambda: tf.constant(SEQUENCE.transpose(1, 0, 2))
    both = np.array([5, 3, 1, 2])

    def raw():
        cell, items = Cell(tf), tf.TensorArray(tf.float32, 5).unstack(by_time())

        def loop(t, output, state, extra):
            done = t >= LENGTHS
            x = tf.cond(tf.reduce_all(done), lambda: tf.zeros([4, 2]), lambda: items.read(t))
            return done, x, cell.zero_state(4, tf.float32) if output is None else state, output, None

        array, state, _ = nn.raw_rnn(cell, loop)
        return array.stack(), state

    return {
        "dynamic": lambda: nn.dynamic_rnn(Cell(tf), SEQUENCE, dtype=tf.float32),
        "dynamic with lengths": lambda: nn.dynamic_rnn(Cell(tf), SEQUENCE, LENGTHS, dtype=tf.float32),
        "time first": lambda: nn.dynamic_rnn(
            Cell(tf), by_time(), LENGTHS, initial_state=tf.ones([4, 3]), time_major=True
        ),
        "bidirectional": lambda: nn.bidirectional_dynamic_rnn(Cell(tf), Cell(tf), SEQUENCE, both, dtype=tf.float32),
        "static": lambda: nn.static_rnn(Cell(tf), steps(), dtype=tf.float32, sequence_length=LENGTHS),
        "static both": lambda: nn.static_bidirectional_rnn(Cell(tf), Cell(tf), steps(), dtype=tf.float32),
        "raw": raw,
    }


def flat(value):
    """The leaves of nested lists and tuples."""
    if isinstance(value, (list, tuple)):
        return [leaf for part in value for leaf in flat(part)]
    return [value]


def outcome(tf, kind, build):
    """What a call gives, as JSON has it: values (after two updates for metrics), names of variables, gradients."""
    with tf.Graph().as_default(), tf.Session() as session:
        try:
            made = flat(build())
            out = {}
            if kind == "sequences":
                grads = tf.gradients([tf.reduce_sum(t) for t in made], tf.trainable_variables())
                made = [*made, *grads]
            session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
            if kind == "metrics":
                values = [session.run(made[-1]), session.run(made[-1]), session.run(made[0])]
            else:
                values = session.run(made)
            out["values"] = [np.asarray(v).astype("d").tolist() for v in flat(values)]
            out["variables"] = sorted(v.name for v in tf.local_variables() + tf.global_variables())
            return out
        except (ValueError, TypeError) as error:
            return {"error": type(error).__name__}


KINDS = {"losses": losses, "metrics": metrics, "functions": functions, "sequences": sequences}


def results(tf):
    """All outcomes by kind and name."""
    return {
        kind: {name: outcome(tf, kind, build) for name, build in cases(tf).items()} for kind, cases in KINDS.items()
    }
