"""`tf.contrib.seq2seq`: decoders, helpers, attention and beam search against NumPy and exhaustive search."""

import itertools

import numpy as np
import pytest

import duoflow

tf = duoflow.compat.v1
seq2seq = tf.contrib.seq2seq
_random = np.random.RandomState(0)
INPUTS, LENGTHS = _random.randn(2, 5, 3).astype("f"), np.array([5, 3])
MEMORY, MEMORY_LENGTHS = _random.randn(2, 6, 4).astype("f"), np.array([6, 4])
TABLE = _random.randn(7, 5).astype("f")
START, END = 1, 2


@pytest.fixture(autouse=True)
def session():
    with tf.Graph().as_default(), tf.Session() as made:
        tf.set_random_seed(1)
        yield made


def values(session, tensors, feeds=None):
    session.run(tf.global_variables_initializer())
    return session.run(tensors, feeds)


# -- decoding ----------------------------------------------------------------------------------------------------------


def test_decoding_given_inputs_is_dynamic_rnn(session):
    inputs, lengths = tf.placeholder(tf.float32, [None, None, 3]), tf.placeholder(tf.int32, [None])
    cell, layer = tf.nn.rnn_cell.LSTMCell(4), tf.layers.Dense(6)
    helper = seq2seq.TrainingHelper(inputs, lengths)
    start = cell.zero_state(tf.shape(inputs)[0], tf.float32)
    outputs, state, found = seq2seq.dynamic_decode(
        seq2seq.BasicDecoder(cell, helper, start, layer), impute_finished=True
    )
    assert outputs.rnn_output.shape.as_list() == [None, None, 6]
    with tf.variable_scope("decoder", reuse=True) as scope:
        plain, last = tf.nn.dynamic_rnn(cell, inputs, lengths, dtype=tf.float32, scope=scope)
        logits = layer(plain)
    assert [v.name for v in tf.trainable_variables()] == [
        "decoder/lstm_cell/kernel:0", "decoder/lstm_cell/bias:0", "decoder/dense/kernel:0", "decoder/dense/bias:0",
    ]  # fmt: skip
    ours, theirs, ours_last, theirs_last, lengths_found = values(
        session, [outputs, logits, state, last, found], {inputs: INPUTS, lengths: LENGTHS}
    )
    live = np.arange(5) < LENGTHS[:, None]
    np.testing.assert_allclose(ours.rnn_output[live], theirs[live], rtol=1e-6)
    assert not ours.rnn_output[~live].any() and lengths_found.tolist() == [5, 3]
    assert (ours.sample_id[live] == theirs[live].argmax(-1)).all() and not ours.sample_id[~live].any()
    np.testing.assert_allclose(ours_last, theirs_last, rtol=1e-6)


class Chain(tf.nn.rnn_cell.RNNCell):
    """A cell whose logits depend on the last id alone: its inputs are ids in one-hot form, its state counts steps."""

    output_size, state_size = 7, 1
    LOGITS = (_random.randn(7, 7) * 2).astype("f")

    def call(self, inputs, state):
        return tf.matmul(inputs, tf.constant(self.LOGITS)), state + 1


def one_hot(ids):
    return tf.one_hot(ids, 7)


def greedy_by_hand(steps):
    ids, last = [], START
    for _ in range(steps):
        last = int(Chain.LOGITS[last].argmax())
        ids.append(last)
        if last == END:
            break
    return ids


def test_greedy_decoding_follows_the_likeliest_up_to_the_end(session):
    cell = Chain()
    helper = seq2seq.GreedyEmbeddingHelper(one_hot, tf.fill([3], START), END)
    decoder = seq2seq.BasicDecoder(cell, helper, cell.zero_state(3, tf.float32))
    outputs, state, lengths = seq2seq.dynamic_decode(decoder, maximum_iterations=6, output_time_major=True)
    ids, last, found = values(session, [outputs.sample_id, state, lengths])
    expected = greedy_by_hand(6)
    assert ids[:, 0].tolist() == expected and found.tolist() == [len(expected)] * 3 and last[0] == len(expected)


def test_sampled_decoding_draws_by_likelihood(session):
    cell, count = Chain(), 4000
    helper = seq2seq.SampleEmbeddingHelper(one_hot, tf.fill([count], START), END, softmax_temperature=2.0, seed=4)
    decoder = seq2seq.BasicDecoder(cell, helper, cell.zero_state(count, tf.float32))
    drawn = values(session, seq2seq.dynamic_decode(decoder, maximum_iterations=1)[0].sample_id)
    weights = np.exp(Chain.LOGITS[START] / 2)
    np.testing.assert_allclose(np.bincount(drawn[:, 0], minlength=7) / count, weights / weights.sum(), atol=0.03)


def test_scheduled_helpers_feed_what_was_drawn_now_and_then(session):
    given = tf.nn.embedding_lookup(TABLE, tf.constant(_random.randint(0, 7, (2, 5))))
    for probability in (0.0, 1.0):
        cell = tf.nn.rnn_cell.BasicRNNCell(7)
        helper = seq2seq.ScheduledEmbeddingTrainingHelper(given, tf.constant([5, 3]), TABLE, probability)
        decoder = seq2seq.BasicDecoder(cell, helper, cell.zero_state(2, tf.float32))
        ids = values(session, seq2seq.dynamic_decode(decoder, scope=f"embedding{probability}")[0].sample_id)
        assert (ids[0] == -1).all() if probability == 0 else (ids[0] >= 0).all()
        helper = seq2seq.ScheduledOutputTrainingHelper(INPUTS, tf.constant([5, 3]), probability)
        cell = tf.nn.rnn_cell.BasicRNNCell(3)
        decoder = seq2seq.BasicDecoder(cell, helper, cell.zero_state(2, tf.float32))
        outputs = seq2seq.dynamic_decode(decoder, scope=f"output{probability}")[0]
        assert values(session, outputs.sample_id)[0].all() == bool(probability)


def test_helpers_of_functions(session):
    cell = Chain()
    custom = seq2seq.CustomHelper(
        lambda: (tf.zeros([2], tf.bool), one_hot(tf.fill([2], START))),
        lambda time, outputs, state: tf.argmax(outputs, -1, output_type=tf.int32),
        lambda time, outputs, state, sample_ids: (tf.fill([2], time >= 2), one_hot(sample_ids), state),
    )
    ends = seq2seq.InferenceHelper(
        lambda outputs: outputs, [7], tf.float32, one_hot(tf.fill([2], START)), lambda sample: sample[:, 0] > 1e9
    )
    for helper, steps in ((custom, 3), (ends, 4)):
        decoder = seq2seq.BasicDecoder(cell, helper, cell.zero_state(2, tf.float32))
        outputs, _, lengths = seq2seq.dynamic_decode(decoder, maximum_iterations=4)
        assert values(session, lengths).tolist() == [steps] * 2
    assert outputs.sample_id.shape.as_list() == [2, None, 7]


# -- attention ---------------------------------------------------------------------------------------------------------


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def by_hand(mechanism, query, weights):
    """The alignments of a mechanism, in NumPy."""
    within = MEMORY * (np.arange(6) < MEMORY_LENGTHS[:, None])[..., None]
    keys = within @ weights["memory_layer/kernel"]
    if mechanism == "LuongAttention":
        scores = np.einsum("bd,btd->bt", query, keys) * weights["luong_attention/attention_g"]
    else:
        v, g = weights["bahdanau_attention/attention_v"], weights["bahdanau_attention/attention_g"]
        processed = query @ weights["bahdanau_attention/query_layer/kernel"]
        total = keys + processed[:, None] + weights["bahdanau_attention/attention_b"]
        scores = np.tanh(total) @ (g * v / np.linalg.norm(v))
    return softmax(np.where(np.arange(6) < MEMORY_LENGTHS[:, None], scores, -np.inf))


@pytest.mark.parametrize(("name", "option"), [("LuongAttention", "scale"), ("BahdanauAttention", "normalize")])
def test_mechanisms_align_as_their_papers_say(session, name, option):
    mechanism = getattr(seq2seq, name)(8, tf.constant(MEMORY), MEMORY_LENGTHS, **{option: True})
    query = tf.constant(_random.randn(2, 8).astype("f"))
    alignments, state = mechanism(query, mechanism.initial_state(2, tf.float32))
    variables = {v.name[:-2]: v for v in tf.trainable_variables()}
    found, weights, asked = values(session, [alignments, variables, query])
    np.testing.assert_allclose(found, by_hand(name, asked, weights), rtol=1e-5, atol=1e-7)
    assert state is alignments and mechanism.alignments_size == 6


def test_queries_of_another_depth_are_refused():
    mechanism = seq2seq.LuongAttention(8, tf.constant(MEMORY))
    with pytest.raises(ValueError, match="Incompatible or unknown inner dimensions"):
        mechanism(tf.zeros([2, 5]), mechanism.initial_state(2, tf.float32))


@pytest.mark.parametrize("mode", ["parallel", "recursive"])
def test_monotonic_attention_in_either_form_is_the_same(session, mode):
    p = _random.rand(2, 4).astype("f")
    before = np.array([[1, 0, 0, 0], [0.25, 0.5, 0.25, 0]], "f")
    expected = np.zeros_like(p)
    for row, (choose, start) in enumerate(zip(p, before, strict=True)):
        for j in range(4):  # where it starts, and that it passes all steps up to j
            expected[row, j] = choose[j] * sum(start[i] * np.prod(1 - choose[i:j]) for i in range(j + 1))
    np.testing.assert_allclose(session.run(seq2seq.monotonic_attention(p, before, mode)), expected, rtol=1e-4)
    hard = session.run(seq2seq.monotonic_attention([[0.0, 1.0, 1.0]], [[1.0, 0.0, 0.0]], "hard"))
    assert hard.tolist() == [[0, 1, 0]] and session.run(seq2seq.hardmax([[1.0, 3.0]])).tolist() == [[0, 1]]


def attending(helper=None, beams=None, mechanism=seq2seq.LuongAttention, several=False, **options):
    """A decoder with attention over the memory, the same variables each time."""
    tile = (lambda x: seq2seq.tile_batch(x, beams)) if beams else (lambda x: x)
    memory, lengths = tile(tf.constant(MEMORY)), tile(tf.constant(MEMORY_LENGTHS))
    made = [mechanism(8, memory, lengths) for _ in range(2 if several else 1)]
    cell = seq2seq.AttentionWrapper(
        tf.nn.rnn_cell.GRUCell(8), made if several else made[0], [8] * 2 if several else 8, alignment_history=True
    )
    layer, start = tf.layers.Dense(7, name="out"), cell.zero_state(2 * (beams or 1), tf.float32)
    if beams:
        return seq2seq.BeamSearchDecoder(cell, TABLE, tf.fill([2], START), END, start, beams, layer, **options)
    return seq2seq.BasicDecoder(cell, helper, start, layer)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "several"), [("LuongAttention", False), ("BahdanauMonotonicAttention", True)])
def test_wrapped_cells_learn_and_keep_what_they_looked_at(session, name, several):
    given = tf.nn.embedding_lookup(TABLE, tf.constant(_random.randint(0, 7, (2, 5))))
    helper = seq2seq.TrainingHelper(given, tf.constant([5, 3]))
    decoder = attending(helper, mechanism=getattr(seq2seq, name), several=several)
    outputs, state, _ = seq2seq.dynamic_decode(decoder)
    loss = seq2seq.sequence_loss(
        outputs.rnn_output, tf.zeros([2, 5], tf.int32), tf.sequence_mask([5, 3], 5, tf.float32)
    )
    step = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    assert all(g is not None for g in tf.gradients(loss, tf.trainable_variables()))
    histories = state.alignment_history if several else (state.alignment_history,)
    session.run(tf.global_variables_initializer())
    losses = [session.run([step, loss])[1] for _ in range(6)]
    assert losses[-1] < losses[0]
    for history in histories:
        looked = session.run(history.stack())
        assert looked.shape == (5, 2, 6) and not looked[:, 1, 4:].any() and (looked.sum(-1) < 1 + 1e-5).all()


def test_states_are_cloned_with_parts_of_their_shapes():
    decoder = attending(seq2seq.GreedyEmbeddingHelper(TABLE, tf.fill([2], START), END))
    state = decoder._initial_state
    assert state.clone(cell_state=tf.ones([2, 8])).attention is state.attention
    with pytest.raises(ValueError, match="expected to be same"):
        state.clone(cell_state=tf.ones([2, 9]))


# -- beam search -------------------------------------------------------------------------------------------------------


def best_by_hand(steps, weight):
    """All sequences of the chain with their scores, best first."""
    logs = np.log(softmax(Chain.LOGITS.astype(float)))
    found = {}
    for ids in itertools.product(range(7), repeat=steps):
        cut = ids[: ids.index(END) + 1] if END in ids else ids
        total = sum(logs[a, b] for a, b in itertools.pairwise([START, *cut]))
        length = len(cut) - (cut[-1] == END and len(cut) == steps)  # an end counts from the next step on
        found[cut] = total / ((5 + length) / 6) ** weight
    return sorted(found.items(), key=lambda item: -item[1])


@pytest.mark.slow
@pytest.mark.parametrize("weight", [0.0, 0.7])
def test_a_wide_beam_finds_the_best_sequences(session, weight):
    width, steps, cell = 40, 3, Chain()
    start = cell.zero_state(2 * width, tf.float32)
    decoder = seq2seq.BeamSearchDecoder(
        cell, one_hot, tf.fill([2], START), END, start, width, length_penalty_weight=weight
    )
    outputs, _, lengths = seq2seq.dynamic_decode(decoder, maximum_iterations=steps)
    found, scores = values(session, [outputs.predicted_ids, outputs.beam_search_decoder_output.scores])
    assert lengths.shape.as_list() == [2, width]
    for rank, (ids, score) in enumerate(best_by_hand(steps, weight)[:5]):
        assert found[1, :, rank].tolist() == [*ids, *[END] * (steps - len(ids))]
        np.testing.assert_allclose(scores[1, -1, rank], score, rtol=1e-4)


@pytest.mark.slow
def test_beams_carry_attention_and_its_history(session):
    greedy = seq2seq.GreedyEmbeddingHelper(TABLE, tf.fill([2], START), END)
    with tf.variable_scope("model"):
        one, _, _ = seq2seq.dynamic_decode(attending(greedy), maximum_iterations=6, scope="decoder")
    with tf.variable_scope("model", reuse=True):
        same, _, _ = seq2seq.dynamic_decode(attending(beams=1), maximum_iterations=6, scope="decoder")
    with tf.variable_scope("model", reuse=True):
        decoder = attending(beams=3, coverage_penalty_weight=0.2)
        many, state, _ = seq2seq.dynamic_decode(decoder, maximum_iterations=6, scope="decoder")
    first, second, found, history = values(
        session, [one.sample_id, same.predicted_ids, many.predicted_ids, state.cell_state.alignment_history.stack()]
    )
    ended = np.cumsum(first == END, 1) - (first == END) > 0
    assert (np.where(ended, END, first) == second[..., 0]).all()
    assert found.shape == (2, 6, 3) and history.shape == (6, 6, 6)
    np.testing.assert_allclose(history.sum(-1), 1, rtol=1e-5)


def test_gather_tree_follows_parents_back(session):
    ids = np.array([[[1, 2, 3]], [[4, 5, 6]], [[7, 8, 9]], [[-1, -1, -1]]])
    parents = np.array([[[0, 0, 0]], [[0, 1, 1]], [[2, 1, 2]], [[-1, -1, -1]]])
    found = session.run(seq2seq.gather_tree(ids, parents, [3], 10))[:, 0].tolist()
    assert found == [[2, 2, 2], [6, 5, 6], [7, 8, 9], [10, 10, 10]]


# -- loss --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "axis", "counted"),
    [
        ({}, None, False),
        ({"average_across_batch": False}, 1, False),
        ({"average_across_timesteps": False}, 0, False),
        ({"average_across_timesteps": False, "average_across_batch": False, "sum_over_timesteps": True,
          "sum_over_batch": True}, None, True),
        ({"average_across_timesteps": False, "average_across_batch": False}, (), False),
    ],
)  # fmt: skip
def test_losses_are_averaged_over_what_is_asked(session, options, axis, counted):
    logits, targets = _random.randn(2, 3, 4).astype("f"), np.array([[0, 1, 2], [3, 0, 0]])
    weights = np.array([[1, 0.5, 2], [1, 1, 0]], "f")
    each = -np.log(np.take_along_axis(softmax(logits), targets[..., None], 2)[..., 0]) * weights
    size = 1 if axis == () else np.count_nonzero(weights) if counted else weights.sum(axis)
    found = session.run(seq2seq.sequence_loss(logits, targets, weights, **options))
    np.testing.assert_allclose(found, each.sum(axis) / size, rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: seq2seq.sequence_loss(np.zeros((2, 3)), np.zeros((2, 3), int), np.ones((2, 3))), ValueError),
        (lambda: seq2seq.BasicDecoder("cell", None, None), TypeError),
        (lambda: seq2seq.BasicDecoder(Chain(), "helper", None), TypeError),
        (lambda: seq2seq.dynamic_decode("decoder"), TypeError),
        (lambda: seq2seq.GreedyEmbeddingHelper(TABLE, 1, 2), ValueError),
        (lambda: seq2seq.GreedyEmbeddingHelper(TABLE, [1], [2]), ValueError),
        (lambda: seq2seq.TrainingHelper(INPUTS, 5), ValueError),
        (lambda: seq2seq.AttentionWrapper(Chain(), "memory"), TypeError),
        (lambda: seq2seq.AttentionWrapper(Chain(), seq2seq.LuongAttention(7, MEMORY), [1, 2]), ValueError),
        (lambda: seq2seq.CustomHelper(None, None, None).batch_size, ValueError),
        (lambda: seq2seq.tile_batch(1.0, 2), ValueError),
    ],
)
def test_refuses(call, kind):
    with pytest.raises(kind):
        call()
