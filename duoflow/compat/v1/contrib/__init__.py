"""`tf.contrib`: the parts of it that programs used, which TensorFlow has dropped since."""

from . import crf, data, eager, framework, layers, learn, lookup, losses, metrics, rnn, seq2seq, training
from . import slim as slim

__all__ = [
    "crf",
    "data",
    "eager",
    "framework",
    "layers",
    "learn",
    "lookup",
    "losses",
    "metrics",
    "rnn",
    "seq2seq",
    "slim",
    "training",
]
