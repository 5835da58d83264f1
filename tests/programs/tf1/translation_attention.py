"""Sequence to sequence with attention: numbers in words, from English to German, which says ones before tens."""

import numpy as np
import tensorflow as tf

ONES = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TENS = ["twenty", "thirty", "forty", "fifty"]
EINER = ["ein", "zwei", "drei", "vier", "fuenf", "sechs", "sieben", "acht", "neun"]
ZEHNER = ["zwanzig", "dreissig", "vierzig", "fuenfzig"]
PAD, START, END = 0, 1, 2
source_words = ["<pad>", "<s>", "</s>", *ONES, *TENS]
target_words = ["<pad>", "<s>", "</s>", "und", *EINER, *ZEHNER]


def sentence(number):
    tens, ones = divmod(number, 10)
    english, german = [TENS[tens - 2]], [ZEHNER[tens - 2]]
    if ones:
        english, german = [*english, ONES[ones - 1]], [EINER[ones - 1], "und", *german]
    return english, german


def batch(numbers):
    pairs = [sentence(n) for n in numbers]
    source, target = np.zeros((len(pairs), 2), "int32"), np.zeros((len(pairs), 4), "int32")
    for i, (english, german) in enumerate(pairs):
        source[i, : len(english)] = [source_words.index(w) for w in english]
        target[i, : len(german) + 1] = [target_words.index(w) for w in german] + [END]
    return source, (source > 0).sum(1), target, (target > 0).sum(1)


tf.set_random_seed(1)
source = tf.placeholder(tf.int32, [None, None], name="source")
source_length = tf.placeholder(tf.int32, [None], name="source_length")
target = tf.placeholder(tf.int32, [None, None], name="target")
target_length = tf.placeholder(tf.int32, [None], name="target_length")
count = tf.shape(source)[0]
UNITS, BEAMS = 24, 3

with tf.variable_scope("encoder"):
    table = tf.get_variable("embedding", [len(source_words), 12])
    states, last = tf.nn.dynamic_rnn(
        tf.nn.rnn_cell.GRUCell(UNITS), tf.nn.embedding_lookup(table, source), source_length, dtype=tf.float32
    )

embedding = tf.get_variable("embedding", [len(target_words), 12])
output_layer = tf.layers.Dense(len(target_words), use_bias=False, name="words")


def attending(memory, lengths, start, size):
    mechanism = tf.contrib.seq2seq.LuongAttention(UNITS, memory, memory_sequence_length=lengths)
    cell = tf.contrib.seq2seq.AttentionWrapper(tf.nn.rnn_cell.GRUCell(UNITS), mechanism, attention_layer_size=UNITS)
    return cell, cell.zero_state(size, tf.float32).clone(cell_state=start)


with tf.variable_scope("decode"):
    cell, start = attending(states, source_length, last, count)
    shifted = tf.concat([tf.fill([count, 1], START), target[:, :-1]], 1)
    helper = tf.contrib.seq2seq.TrainingHelper(tf.nn.embedding_lookup(embedding, shifted), target_length)
    decoder = tf.contrib.seq2seq.BasicDecoder(cell, helper, start, output_layer)
    outputs, _, _ = tf.contrib.seq2seq.dynamic_decode(decoder, impute_finished=True)

with tf.variable_scope("decode", reuse=True):
    cell, start = attending(states, source_length, last, count)
    helper = tf.contrib.seq2seq.GreedyEmbeddingHelper(embedding, tf.fill([count], START), END)
    decoder = tf.contrib.seq2seq.BasicDecoder(cell, helper, start, output_layer)
    greedy, _, _ = tf.contrib.seq2seq.dynamic_decode(decoder, maximum_iterations=6)

with tf.variable_scope("decode", reuse=True):
    tiled = tf.contrib.seq2seq.tile_batch([states, source_length, last], multiplier=BEAMS)
    cell, start = attending(*tiled, count * BEAMS)
    decoder = tf.contrib.seq2seq.BeamSearchDecoder(
        cell, embedding, tf.fill([count], START), END, start, BEAMS, output_layer, length_penalty_weight=0.6
    )
    beams, _, _ = tf.contrib.seq2seq.dynamic_decode(decoder, maximum_iterations=6)

steps = tf.reduce_max(target_length)
weights = tf.sequence_mask(target_length, steps, tf.float32)
loss = tf.contrib.seq2seq.sequence_loss(outputs.rnn_output, target[:, :steps], weights)
optimizer = tf.train.AdamOptimizer(0.02)
gradients, variables = zip(*optimizer.compute_gradients(loss))
clipped, _ = tf.clip_by_global_norm(gradients, 5.0)
train = optimizer.apply_gradients(zip(clipped, variables))

print([v.name for v in tf.trainable_variables()])
numbers = np.arange(20, 60)
held_out = np.array([23, 38, 41, 56])
known = np.setdiff1d(numbers, held_out)


def feeds(some):
    return dict(zip([source, source_length, target, target_length], batch(some)))


def words(ids):
    return " ".join(target_words[i] for i in ids if i > END)


with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    rng = np.random.RandomState(2)
    first = None
    for _ in range(150):
        value, _ = sess.run([loss, train], feeds(rng.choice(known, 16)))
        first = first or value
    print("learned:", first > 2.0, value < 0.2)
    right = [words(row) for row in sess.run(greedy.sample_id, feeds(known))]
    print("right:", np.mean([found == " ".join(sentence(n)[1]) for found, n in zip(right, known)]) > 0.9)
    found = sess.run(beams.predicted_ids, feeds(held_out))
    print(found.shape[0], found.shape[2], all(len(set(map(tuple, row.T))) == BEAMS for row in found))
    best = [words(row[:, 0]) for row in found]
    print("translated:", sum(text == " ".join(sentence(n)[1]) for text, n in zip(best, held_out)) >= 2)
