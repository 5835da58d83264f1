"""Candidates drawn at random, and losses over them instead of over all classes.

TensorFlow: tf.compat.v1.nn.nce_loss, sampled_softmax_loss and the candidate samplers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.emit import emit
from duoflow.core.late import F
from duoflow.core.record import Effect, Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert
from duoflow.ops.embedding import lookup
from duoflow.ops.random import get_seed

__all__ = [
    "all_candidate_sampler", "compute_accidental_hits", "fixed_unigram_candidate_sampler",
    "learned_unigram_candidate_sampler", "log_uniform_candidate_sampler", "nce_loss", "sampled_softmax_loss",
    "uniform_candidate_sampler",
]  # fmt: skip


class _Sampler:
    """Draws classes by their probabilities; an attribute equal to itself only."""

    def __init__(self, probabilities: Any, seed: int | None) -> None:
        seeds = [abs(int(s)) for s in get_seed(seed) if s is not None]
        self._generator = np.random.default_rng(seeds or None)
        self._probabilities = np.asarray(probabilities, np.float64)
        self._cumulative = np.cumsum(self._probabilities)

    def draw(self, true_classes: Any, count: int, unique: bool) -> tuple[Any, Any, Any]:
        """The candidates, and how often the true classes and the candidates are expected among them."""
        chosen: dict[int, None] = {}
        drawn: list[int] = []
        tries = 0
        while len(chosen if unique else drawn) < count:
            numbers = self._generator.random(max(count, 64)) * self._cumulative[-1]
            for number in np.searchsorted(self._cumulative, numbers, side="right").tolist():
                tries += 1
                drawn.append(number)
                chosen[number] = None
                if len(chosen if unique else drawn) == count:
                    break
        candidates = np.array(list(chosen) if unique else drawn, np.int64)
        share = self._probabilities / self._cumulative[-1]

        def expected(classes: Any) -> Any:
            inside = (classes >= 0) & (classes < len(share))
            p = np.where(inside, share[np.where(inside, classes, 0)], 0.0)
            out = -np.expm1(tries * np.log1p(-p)) if unique else p * count
            return out.astype(np.float32)

        return candidates, expected(true_classes), expected(candidates)

    def learn(self, classes: Any) -> None:
        """Count classes seen, for the draws to come."""
        np.add.at(self._probabilities, classes.reshape(-1), 1.0)
        self._cumulative = np.cumsum(self._probabilities)


def _infer(true_classes: Spec, *, sampler: _Sampler, count: int, unique: bool, learns: bool) -> tuple[Spec, ...]:
    return (
        Spec((count,), dtypes.int64), Spec(true_classes.shape, dtypes.float32), Spec((count,), dtypes.float32),
    )  # fmt: skip


def _sample(true_classes: Any, *, sampler: _Sampler, count: int, unique: bool, learns: bool) -> tuple[Any, Any, Any]:
    out = sampler.draw(true_classes, count, unique)
    if learns:
        sampler.learn(true_classes)
    return out


CANDIDATES = register(
    Op("CandidateSampler", Kind.HOST, _infer, _sample, None, Effect.IO, num_outputs=3, differentiable=False)
)


def _candidates(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, probabilities: Any, seed: Any,
    name: str | None, learns: bool = False,
) -> tuple[Any, Any, Any]:  # fmt: skip
    classes = F.cast(convert(true_classes), dtypes.int64)
    if classes.ndim != 2 or classes.dims[1] not in (None, num_true):
        raise ValueError(f"true_classes must have shape [batch_size, num_true={num_true}], received {classes.shape}.")
    if unique and num_sampled > np.count_nonzero(probabilities):
        raise ValueError(f"Cannot draw {num_sampled} different classes of {np.count_nonzero(probabilities)}.")
    attrs = {
        "sampler": _Sampler(probabilities, seed), "count": int(num_sampled), "unique": bool(unique), "learns": learns,
    }  # fmt: skip
    return emit(CANDIDATES, (classes,), attrs, name)  # type: ignore[return-value]


def uniform_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int, seed: Any = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Classes drawn uniformly: (candidates, expected count of the true classes, of the candidates).

    TensorFlow: tf.random.uniform_candidate_sampler.
    """
    return _candidates(true_classes, num_true, num_sampled, unique, np.ones(range_max), seed, name)


def log_uniform_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int, seed: Any = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Classes drawn by Zipf's law, the first most often: P(k) = log((k + 2) / (k + 1)) / log(range_max + 1).

    TensorFlow: tf.random.log_uniform_candidate_sampler.
    """
    weights = np.diff(np.log(np.arange(1, range_max + 2, dtype=np.float64)))
    return _candidates(true_classes, num_true, num_sampled, unique, weights, seed, name)


def learned_unigram_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int, seed: Any = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Classes drawn as often as they were true so far. TensorFlow: tf.random.learned_unigram_candidate_sampler."""
    return _candidates(true_classes, num_true, num_sampled, unique, np.ones(range_max), seed, name, learns=True)


def fixed_unigram_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int, vocab_file: str = "",
    distortion: float = 1.0, num_reserved_ids: int = 0, num_shards: int = 1, shard: int = 0, unigrams: Any = (),
    seed: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """Classes drawn by given counts to the power `distortion`.

    The counts are `unigrams`, or the last fields of a file's lines.

    TensorFlow: tf.random.fixed_unigram_candidate_sampler.
    """
    if vocab_file:
        with open(vocab_file, encoding="utf-8") as file:
            unigrams = [float(line.rsplit(",", 1)[-1]) for line in file if line.strip()]
    weights = np.concatenate([np.zeros(num_reserved_ids), np.asarray(unigrams, np.float64) ** distortion])
    if len(weights) != range_max:
        raise ValueError(f"range_max is {range_max}, but there are {len(weights)} counts with the reserved ones.")
    weights = np.where(np.arange(range_max) % num_shards == shard, weights, 0.0)
    return _candidates(true_classes, num_true, num_sampled, unique, weights, seed, name)


def all_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, seed: Any = None, name: str | None = None
) -> Any:
    """All classes. TensorFlow: tf.random.all_candidate_sampler."""
    classes = F.cast(convert(true_classes), dtypes.int64)
    ones = F.ones([num_sampled])
    return F.range(num_sampled, dtype=dtypes.int64), F.ones_like(classes, dtypes.float32), ones


def compute_accidental_hits(
    true_classes: Any, sampled_candidates: Any, num_true: int, seed: Any = None, name: str | None = None
) -> Any:
    """Where candidates are true classes: (rows, places among the candidates, the lowest float32 for each).

    TensorFlow: tf.nn.compute_accidental_hits.
    """
    classes, candidates = F.cast(true_classes, dtypes.int64), F.cast(sampled_candidates, dtypes.int64)
    hit = F.reduce_any(F.equal(F.expand_dims(classes, 2), F.reshape(candidates, [1, 1, -1])), 1)
    where = F.where(hit)
    weights = F.fill(F.shape(where)[:1], F.constant(-np.finfo(np.float32).max, dtypes.float32))
    return F.cast(where[:, 0], dtypes.int32), where[:, 1], weights


# -- losses ------------------------------------------------------------------------------------------------------------


def _sampled_logits(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int, num_true: int,
    sampled_values: Any, remove_accidental_hits: bool, partition_strategy: str,
) -> tuple[Any, Any]:  # fmt: skip
    """Logits of the true and of sampled classes, and the labels to set against them."""
    labels = F.cast(labels, dtypes.int64)
    if sampled_values is None:
        sampled_values = log_uniform_candidate_sampler(labels, num_true, num_sampled, True, num_classes)
    sampled, true_expected, sampled_expected = (F.stop_gradient(v) for v in sampled_values)
    sampled = F.cast(sampled, dtypes.int64)
    flat = F.reshape(labels, [-1])
    ids = F.concat([flat, sampled], 0)
    rows, offsets = (lookup(params, ids, partition_strategy, None, None) for params in (weights, biases))
    count = F.shape(flat)[0]
    true_w = F.reshape(rows[:count], F.stack([-1, num_true, F.shape(rows)[1]]))
    true_logits = F.reduce_sum(F.expand_dims(inputs, 1) * true_w, 2) + F.reshape(offsets[:count], [-1, num_true])
    sampled_logits = F.matmul(inputs, rows[count:], transpose_b=True) + offsets[count:]
    if remove_accidental_hits:
        same = F.equal(F.expand_dims(labels, 2), F.reshape(sampled, [1, 1, -1]))
        lowest = F.constant(-np.finfo(np.float32).max, inputs.dtype)
        hit = F.cast(F.reduce_any(same, 1), inputs.dtype)
        sampled_logits = sampled_logits + hit * lowest
    true_logits = true_logits - F.log(true_expected)
    sampled_logits = sampled_logits - F.log(sampled_expected)
    targets = F.concat([F.ones_like(true_logits) / num_true, F.zeros_like(sampled_logits)], 1)
    return F.concat([true_logits, sampled_logits], 1), targets


def nce_loss(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int, num_true: int = 1,
    sampled_values: Any = None, remove_accidental_hits: bool = False, partition_strategy: str = "mod",
    name: str = "nce_loss",
) -> Any:  # fmt: skip
    """Noise-contrastive estimation (Gutmann and Hyvärinen, 2010): a loss per row of inputs.

    Args:
      weights: [classes, size], or a list of such that hold the rows between them.
      biases: [classes].
      labels: the true classes, int [batch, num_true].
      inputs: [batch, size].
      sampled_values: what a candidate sampler gave; `log_uniform_candidate_sampler` otherwise.

    TensorFlow: tf.compat.v1.nn.nce_loss.
    """
    with F.name_scope(name):
        logits, targets = _sampled_logits(
            weights, biases, labels, convert(inputs), num_sampled, num_classes, num_true, sampled_values,
            remove_accidental_hits, partition_strategy,
        )  # fmt: skip
        return F.reduce_sum(F.sigmoid_cross_entropy_with_logits(targets, logits), 1)


def sampled_softmax_loss(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int, num_true: int = 1,
    sampled_values: Any = None, remove_accidental_hits: bool = True, partition_strategy: str = "mod",
    name: str = "sampled_softmax_loss", seed: Any = None,
) -> Any:  # fmt: skip
    """Softmax cross-entropy over the true and sampled classes: a loss per row of inputs.

    TensorFlow: tf.compat.v1.nn.sampled_softmax_loss.
    """
    with F.name_scope(name):
        if sampled_values is None:
            sampled_values = log_uniform_candidate_sampler(labels, num_true, num_sampled, True, num_classes, seed)
        logits, targets = _sampled_logits(
            weights, biases, labels, convert(inputs), num_sampled, num_classes, num_true, sampled_values,
            remove_accidental_hits, partition_strategy,
        )  # fmt: skip
        return F.softmax_cross_entropy_with_logits(F.stop_gradient(targets), logits)
