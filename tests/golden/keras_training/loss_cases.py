"""Losses that were run under Keras: expressions, the data they are given, and how they are run."""

import numpy as np

_rng = np.random.default_rng(3)


def _simplex(*shape):
    x = np.exp(_rng.normal(size=shape))
    return (x / x.sum(-1, keepdims=True)).astype("float32")


_LABELS = np.array([0, 2, 1, 3, 2, 0])
DATA = {
    "real": (_rng.normal(size=(6, 4)).astype("float32"), _rng.normal(size=(6, 4)).astype("float32")),
    "positive": (_rng.uniform(0.1, 2, (6, 4)).astype("float32"), _rng.uniform(0.1, 2, (6, 4)).astype("float32")),
    "column": (_rng.normal(size=(6,)).astype("float32"), _rng.normal(size=(6, 1)).astype("float32")),
    "binary": (_rng.integers(0, 2, (6, 4)).astype("float32"), _rng.uniform(0, 1, (6, 4)).astype("float32")),
    "signs": (_rng.choice([-1.0, 1.0], (6, 4)).astype("float32"), _rng.normal(size=(6, 4)).astype("float32")),
    "logits": (_rng.integers(0, 2, (6, 4)).astype("float32"), _rng.normal(size=(6, 4)).astype("float32")),
    "simplex": (_simplex(6, 4), _simplex(6, 4)),
    "onehot": (np.eye(4, dtype="float32")[_LABELS], _simplex(6, 4)),
    "onehot logits": (np.eye(4, dtype="float32")[_LABELS], _rng.normal(size=(6, 4)).astype("float32")),
    "unnormalised": (np.eye(4, dtype="float32")[_LABELS], _rng.uniform(0.1, 2, (6, 4)).astype("float32")),
    "labels": (_LABELS, _simplex(6, 4)),
    "label column": (_LABELS[:, None], _simplex(6, 4)),
    "float labels": (_LABELS.astype("float32"), _simplex(6, 4)),
    "label logits": (_LABELS, _rng.normal(size=(6, 4)).astype("float32")),
    "label map": (_rng.integers(0, 4, (2, 3)), _simplex(2, 3, 4)),
    "ignored map": (np.array([[0, 255, 1], [3, 255, 2]]), _simplex(2, 3, 4)),
    "classes of points": (
        np.array([0, 1, 0, 1, 2, 2]),
        (lambda e: e / np.linalg.norm(e, axis=-1, keepdims=True))(_rng.normal(size=(6, 4))).astype("float32"),
    ),
    "sequences": (np.array([[1, 2, 2, 0], [3, 1, 0, 0]]), _rng.normal(size=(2, 7, 4)).astype("float32")),
    "extremes": (np.array([[0.0, 1.0], [1.0, 0.0]], "float32"), np.array([[0.0, 1.0], [0.0, 1.0]], "float32")),
}
WEIGHTS = np.array([0.5, 2.0, 0.0, 1.0, 3.0, 1.0], "float32")

CASES = [
    *[
        (f"{name}()", data)
        for name in (
            "MeanSquaredError",
            "MeanAbsoluteError",
            "MeanAbsolutePercentageError",
            "Huber",
            "LogCosh",
            "CosineSimilarity",
        )
        for data in ("real", "column")
    ],
    ("MeanSquaredLogarithmicError()", "positive"),
    ("Huber(delta=0.3)", "real"),
    ("CosineSimilarity(axis=0)", "real"),
    *[(f"{name}()", data) for name in ("Hinge", "SquaredHinge", "CategoricalHinge") for data in ("signs", "logits")],
    ("KLDivergence()", "simplex"),
    ("Poisson()", "positive"),
    ("BinaryCrossentropy()", "binary"),
    ("BinaryCrossentropy()", "extremes"),
    ("BinaryCrossentropy(from_logits=True)", "logits"),
    ("BinaryCrossentropy(label_smoothing=0.2)", "binary"),
    ("BinaryFocalCrossentropy()", "binary"),
    ("BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.4, gamma=1.5)", "binary"),
    ("BinaryFocalCrossentropy(from_logits=True, label_smoothing=0.1)", "logits"),
    ("CategoricalCrossentropy()", "onehot"),
    ("CategoricalCrossentropy()", "unnormalised"),
    ("CategoricalCrossentropy()", "extremes"),
    ("CategoricalCrossentropy(from_logits=True)", "onehot logits"),
    ("CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)", "onehot logits"),
    ("CategoricalCrossentropy(label_smoothing=0.1)", "onehot"),
    ("CategoricalFocalCrossentropy()", "onehot"),
    ("CategoricalFocalCrossentropy(alpha=0.5, gamma=1.0, label_smoothing=0.1)", "unnormalised"),
    ("CategoricalFocalCrossentropy(from_logits=True)", "onehot logits"),
    ("SparseCategoricalCrossentropy()", "labels"),
    ("SparseCategoricalCrossentropy()", "label column"),
    ("SparseCategoricalCrossentropy()", "float labels"),
    ("SparseCategoricalCrossentropy()", "label map"),
    ("SparseCategoricalCrossentropy(from_logits=True)", "label logits"),
    ("SparseCategoricalCrossentropy(ignore_class=255)", "ignored map"),
    ("SparseCategoricalCrossentropy(ignore_class=0)", "labels"),
    ("CategoricalGeneralizedCrossEntropy()", "labels"),
    ("CategoricalGeneralizedCrossEntropy(q=0.2)", "labels"),
    ("Dice()", "binary"),
    ("Dice(axis=(1,))", "binary"),
    ("Tversky()", "binary"),
    ("Tversky(alpha=0.3, beta=0.8)", "binary"),
    ("Tversky(alpha=0.3, beta=0.8, axis=(1,))", "binary"),
    ("Circle()", "classes of points"),
    ("Circle(gamma=10.0, margin=0.2, remove_diagonal=False)", "classes of points"),
    ("CTC()", "sequences"),
]
REDUCTIONS = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None]


def _fails(function):
    try:
        return np.asarray(function(), "float64").tolist()
    except Exception as error:
        return f"{type(error).__name__}"


def values(tf, expression, data):
    """The loss under each reduction, with and without weights, and its config."""
    y_true, y_pred = DATA[data]
    out = {}
    for reduction in REDUCTIONS:
        loss = eval(expression, vars(tf.keras.losses))
        loss.reduction = reduction
        weights = WEIGHTS[: len(y_true)]
        out[f"{reduction}"] = _fails(lambda: loss(y_true, y_pred))
        if reduction in ("sum", "mean_with_sample_weight", "sum_over_batch_size"):
            out[f"{reduction} weighted"] = _fails(lambda: loss(y_true, y_pred, sample_weight=weights))
    out["config"] = loss.get_config() | {"reduction": "sum_over_batch_size"}
    return out


def masked(tf, reduction):
    """A loss of predictions that carry a mask, with and without weights."""
    y_true, y_pred = DATA["label map"]
    out = []
    for weights in (None, np.array([[1.0, 2.0, 3.0], [0.5, 0.0, 1.0]], "float32")):
        prediction = tf.constant(y_pred)
        prediction._keras_mask = tf.constant([[True, True, False], [True, False, False]])
        loss = tf.keras.losses.SparseCategoricalCrossentropy(reduction=reduction)
        out.append(np.asarray(loss(y_true, prediction, sample_weight=weights)).tolist())
    return out


def gradient(tf, expression, data):
    """Of the loss, as it is reduced by default, for the predictions."""
    y_true, y_pred = DATA[data]
    prediction = tf.constant(y_pred)
    loss = eval(expression, vars(tf.keras.losses))
    with tf.GradientTape() as tape:
        tape.watch(prediction)
        value = loss(y_true, prediction)
    return tape.gradient(value, prediction).numpy().tolist()
