"""Metrics that were run under Keras: expressions, the data they are given, and how they are run."""

import numpy as np

from .loss_cases import DATA as LOSS_DATA

_rng = np.random.default_rng(5)
DATA = LOSS_DATA | {
    "scores": (_rng.integers(0, 2, (20,)), _rng.uniform(0, 1, (20,)).astype("float32")),
    "multilabel": (_rng.integers(0, 2, (10, 3)), _rng.uniform(0, 1, (10, 3)).astype("float32")),
    "score logits": (_rng.integers(0, 2, (20,)), _rng.normal(size=20).astype("float32")),
    "round scores": (np.array([0, 1, 1, 0, 1, 0]), np.array([0.0, 1.0, 0.5, 0.5, 0.25, 0.75], "float32")),
    "classes": (_rng.integers(0, 3, (12,)), _rng.integers(0, 3, (12,))),
    "class maps": (_rng.integers(0, 3, (4, 5)), _rng.integers(0, 3, (4, 5))),
    "one-hot maps": (
        np.eye(3)[_rng.integers(0, 3, (12,))].astype("float32"),
        _rng.uniform(0, 1, (12, 3)).astype("float32"),
    ),
    "sorted ids": (np.array([0, 2, 1, 3]), np.array([[0, 1, 2], [1, 2, 3], [3, 2, 1], [3, 1, 0]], "float32")),
    "equal": (np.array([1.0, 2.0, 3.0, 4.0], "float32"), np.array([1.0, 2.0, 0.0, 4.0], "float32")),
}

CASES = [
    ("Mean()", None), ("Sum()", None),
    *[
        (f"{name}()", data)
        for name in ("MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "RootMeanSquaredError", "LogCoshError", "CosineSimilarity")
        for data in ("real", "column")
    ],
    ("CosineSimilarity(axis=1)", "real"),
    ("MeanSquaredLogarithmicError()", "positive"), ("Poisson()", "positive"), ("KLDivergence()", "simplex"),
    *[(f"{name}()", "signs") for name in ("Hinge", "SquaredHinge", "CategoricalHinge")],
    ("BinaryCrossentropy()", "binary"), ("BinaryCrossentropy(from_logits=True, label_smoothing=0.1)", "logits"),
    ("CategoricalCrossentropy()", "onehot"), ("CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)", "onehot logits"),
    ("SparseCategoricalCrossentropy()", "labels"), ("SparseCategoricalCrossentropy(from_logits=True)", "label logits"),
    ("SparseCategoricalCrossentropy(ignore_class=0)", "label map"),
    ("Accuracy()", "equal"), ("Accuracy()", "classes"),
    ("BinaryAccuracy()", "binary"), ("BinaryAccuracy(threshold=0.3)", "binary"), ("BinaryAccuracy()", "scores"),
    ("CategoricalAccuracy()", "onehot"),
    ("SparseCategoricalAccuracy()", "labels"), ("SparseCategoricalAccuracy()", "label column"), ("SparseCategoricalAccuracy()", "label map"),
    ("TopKCategoricalAccuracy(k=2)", "onehot"), ("SparseTopKCategoricalAccuracy(k=2)", "labels"),
    ("SparseTopKCategoricalAccuracy(k=2)", "label map"), ("SparseTopKCategoricalAccuracy(k=1, from_sorted_ids=True)", "sorted ids"),
    *[(f"{name}()", data) for name in ("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives") for data in ("scores", "multilabel")],
    *[(f"{name}(thresholds=[0.1, 0.5, 0.8])", "scores") for name in ("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives")],
    *[(f"{name}(thresholds=[0.0, 0.5, 1.0])", "round scores") for name in ("TruePositives", "FalseNegatives")],
    *[
        (f"{name}({arguments})", data)
        for name in ("Precision", "Recall")
        for arguments, data in (
            ("", "scores"), ("", "multilabel"), ("thresholds=[0.2, 0.7]", "scores"), ("thresholds=0.3", "multilabel"), ("top_k=2", "multilabel"),
            ("class_id=1", "multilabel"), ("top_k=1, class_id=2", "multilabel"),
        )
    ],
    ("SensitivityAtSpecificity(0.4)", "scores"), ("SpecificityAtSensitivity(0.4, num_thresholds=50)", "scores"),
    ("PrecisionAtRecall(0.6)", "scores"), ("RecallAtPrecision(0.6)", "scores"), ("RecallAtPrecision(0.6, num_thresholds=1)", "scores"),
    ("PrecisionAtRecall(0.6, class_id=1)", "multilabel"),
    ("AUC()", "scores"), ("AUC()", "round scores"), ("AUC(num_thresholds=5)", "round scores"), ("AUC(from_logits=True)", "score logits"),
    ("AUC(curve='PR')", "scores"), ("AUC(curve='PRGAIN')", "scores"), ("AUC(curve='PR', summation_method='minoring')", "scores"),
    ("AUC(summation_method='majoring')", "scores"), ("AUC(thresholds=[0.2, 0.3, 0.9])", "scores"),
    ("AUC(multi_label=True)", "multilabel"), ("AUC(multi_label=True, num_labels=3, curve='PR')", "multilabel"),
    ("AUC(multi_label=True, label_weights=[1.0, 2.0, 0.5])", "multilabel"), ("AUC(label_weights=[1.0, 2.0, 0.5])", "multilabel"),
    ("AUC(thresholds=[0.2, 0.3, 0.9], multi_label=True)", "multilabel"),
    *[(f"FBetaScore(average={average!r}, beta=2.0{threshold})", "multilabel") for average in (None, "micro", "macro", "weighted") for threshold in ("", ", threshold=0.4")],
    ("F1Score()", "multilabel"), ("F1Score(average='macro', threshold=0.6)", "multilabel"),
    ("R2Score()", "real"), ("R2Score(class_aggregation=None)", "real"), ("R2Score(class_aggregation='variance_weighted_average')", "real"),
    ("R2Score(num_regressors=2)", "real"),
    ("IoU(3, [0, 2])", "classes"), ("IoU(3, [1], ignore_class=0)", "class maps"), ("MeanIoU(3)", "classes"), ("MeanIoU(3)", "class maps"),
    ("MeanIoU(3, ignore_class=1)", "classes"), ("BinaryIoU()", "scores"), ("BinaryIoU([1], threshold=0.3)", "multilabel"),
    ("OneHotIoU(3, [0, 1])", "one-hot maps"), ("OneHotMeanIoU(3)", "one-hot maps"),
    ("PearsonCorrelation()", "real"), ("PearsonCorrelation(axis=0)", "real"), ("ConcordanceCorrelation()", "real"),
]  # fmt: skip


def _number(x):
    return np.asarray(x, "float64").tolist()


def values(tf, expression, data):
    """The metric after each of two updates, then after a weighted one, after a reset, and its config and variables."""
    metric = eval(expression, vars(tf.keras.metrics))
    arguments = DATA[data] if data else (np.array([1.0, 2.0, 5.0], "float32"),)
    half = [a[: len(a) // 2] for a in arguments], [a[len(a) // 2 :] for a in arguments]
    out = {"results": []}
    for part in half:
        metric.update_state(*part)
        out["results"].append(_number(metric.result()))
    weights = (np.arange(len(half[0][0])) % 3).astype("float32" if metric.dtype == "float32" else "int32")
    try:
        metric.update_state(*half[0], sample_weight=weights)
        out["results"].append(_number(metric.result()))
    except Exception as error:
        out["results"].append(type(error).__name__)
    out["variables"] = [[v.path.split("/")[-1], list(v.shape), v.dtype] for v in metric.variables]
    metric.reset_state()
    metric.update_state(*half[1])
    out["results"].append(_number(metric.result()))
    out["config"] = dict(metric.get_config().items())
    out["name"], out["direction"] = metric.name, getattr(metric, "_direction", None)
    return out
