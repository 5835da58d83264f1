"""Conditional random fields against the sums and maxima over all sequences of tags, written out."""

import itertools

import numpy as np
import pytest

import duoflow

tf = duoflow.compat.v1
crf = tf.contrib.crf
_random = np.random.RandomState(0)
SCORES, TRANSITIONS = _random.randn(4, 4, 3).astype("f"), _random.randn(3, 3).astype("f")
TAGS, LENGTHS = _random.randint(0, 3, (4, 4)), np.array([4, 2, 1, 0])


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def score(row, tags):
    """The score of tags of one sequence."""
    unary = sum(SCORES[row, i, tag] for i, tag in enumerate(tags))
    return unary + sum(TRANSITIONS[a, b] for a, b in itertools.pairwise(tags))


def every(row):
    """All sequences of tags that one has the length for."""
    return list(itertools.product(range(3), repeat=LENGTHS[row]))


def run(*tensors):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(tensors)


def test_likelihoods_are_scores_over_the_sum_of_all_scores():
    found, likelihood = run(
        crf.crf_sequence_score(SCORES, TAGS, LENGTHS, TRANSITIONS),
        crf.crf_log_likelihood(SCORES, TAGS, LENGTHS, TRANSITIONS)[0],
    )
    for row in range(3):
        own = score(row, TAGS[row, : LENGTHS[row]])
        total = np.log(np.sum(np.exp([score(row, tags) for tags in every(row)])))
        np.testing.assert_allclose([found[row], likelihood[row]], [own, own - total], rtol=1e-5)
    assert found[3] == likelihood[3] == 0


def test_decoding_finds_the_best_sequence():
    tags, best = run(*crf.crf_decode(SCORES, TRANSITIONS, LENGTHS))
    for row in range(3):
        expected = max(every(row), key=lambda tags, row=row: score(row, tags))
        assert tags[row].tolist() == [*expected, *[0] * (4 - LENGTHS[row])]
        np.testing.assert_allclose(best[row], score(row, expected), rtol=1e-5)
        path, total = crf.viterbi_decode(SCORES[row, : LENGTHS[row]], TRANSITIONS)
        assert path == list(expected)
        np.testing.assert_allclose(total, best[row], rtol=1e-5)
    assert best[3] == 0 and tags.dtype == np.int32


def test_several_tags_may_be_right():
    allowed = np.ones((4, 4, 3), bool)
    allowed[0, 1, 2] = False
    (found,) = run(crf.crf_multitag_sequence_score(SCORES, allowed, LENGTHS, TRANSITIONS))
    right = [score(0, tags) for tags in every(0) if tags[1] != 2]
    np.testing.assert_allclose(found[0], np.log(np.sum(np.exp(right))), rtol=1e-5)


def test_training_makes_its_transitions_for_batches_of_any_size():
    scores, tags = tf.placeholder(tf.float32, [None, None, 3]), tf.placeholder(tf.int32, [None, None])
    lengths = tf.placeholder(tf.int32, [None])
    likelihood, transitions = crf.crf_log_likelihood(scores, tags, lengths)
    assert transitions.name == "transitions:0" and transitions.shape == (3, 3)
    step = tf.train.GradientDescentOptimizer(0.5).minimize(-tf.reduce_mean(likelihood))
    decoded, _ = crf.crf_decode(scores, transitions, lengths)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        feeds = {scores: SCORES, tags: TAGS, lengths: LENGTHS}
        found = [session.run([step, likelihood], feeds)[1].mean() for _ in range(5)]
        assert found == sorted(found) and found[0] < found[-1]
        one = {scores: SCORES[:, :1], tags: TAGS[:, :1], lengths: np.ones(4)}
        assert session.run(decoded, one).ravel().tolist() == SCORES[:, 0].argmax(1).tolist()
