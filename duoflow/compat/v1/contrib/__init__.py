"""`tf.contrib`: the parts of it that programs used, which TensorFlow has dropped since."""

from . import data, eager, framework, layers, learn, lookup, losses, metrics, rnn, training
from . import slim as slim

__all__ = ["data", "eager", "framework", "layers", "learn", "lookup", "losses", "metrics", "rnn", "slim", "training"]
