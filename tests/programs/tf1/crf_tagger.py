"""A tagger: words looked up in a vocabulary, a bidirectional LSTM, and a conditional random field over its tags."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(5)
NOUNS, VERBS = ["dog", "cat", "run", "walk", "book"], ["runs", "sleeps", "run", "walk", "book"]
WORDS = sorted({"the", "a", "they", *NOUNS, *VERBS})
TAGS = ["OTHER", "NOUN", "VERB"]


def sentence():
    """the/a NOUN VERB, or they VERB (the NOUN): the same words are nouns and verbs."""
    noun = lambda: [(rng.choice(["the", "a"]), 0), (rng.choice(NOUNS), 1)]
    subject = noun() if rng.rand() < 0.5 else [("they", 0)]
    return subject + [(rng.choice(VERBS), 2)] + (noun() if rng.rand() < 0.5 else [])


def batch(count, unknown=0.0):
    words, tags = np.full((count, 5), "", object), np.zeros((count, 5), "int32")
    lengths = np.zeros(count, "int32")
    for i in range(count):
        pairs = sentence()
        lengths[i] = len(pairs)
        for j, (word, tag) in enumerate(pairs):
            words[i, j], tags[i, j] = ("zebra" if tag and rng.rand() < unknown else word), tag
    return words, tags, lengths


words = tf.placeholder(tf.string, [None, None])
tags = tf.placeholder(tf.int32, [None, None])
lengths = tf.placeholder(tf.int32, [None])
table = tf.contrib.lookup.index_table_from_tensor(tf.constant(WORDS), num_oov_buckets=2)
names = tf.contrib.lookup.index_to_string_table_from_tensor(tf.constant(TAGS))
ids = table.lookup(words)

tf.set_random_seed(2)
embedding = tf.get_variable("embedding", [len(WORDS) + 2, 8])
inputs = tf.nn.embedding_lookup(embedding, ids)
cells = [tf.contrib.rnn.BasicLSTMCell(8) for _ in range(2)]
outputs, _ = tf.nn.bidirectional_dynamic_rnn(*cells, inputs, sequence_length=lengths, dtype=tf.float32)
scores = tf.layers.dense(tf.concat(outputs, 2), len(TAGS))

log_likelihood, transitions = tf.contrib.crf.crf_log_likelihood(scores, tags, lengths)
loss = tf.reduce_mean(-log_likelihood)
decoded, best = tf.contrib.crf.crf_decode(scores, transitions, lengths)
labels = names.lookup(tf.cast(decoded, tf.int64))
train = tf.train.AdamOptimizer(0.05).minimize(loss)

print(tf.get_collection(tf.GraphKeys.TABLE_INITIALIZERS)[0].name, table.size().dtype.name)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    try:
        sess.run(ids, {words: [["dog"]]})
    except tf.errors.FailedPreconditionError as error:
        print("not yet:", "not initialized" in str(error))
    sess.run(tf.tables_initializer())
    print(sess.run(ids, {words: [["a", "walk", "walk"]]}).tolist(), sess.run(table.size()))
    for _ in range(60):
        feeds = dict(zip([words, tags, lengths], batch(32, unknown=0.1)))
        value, _ = sess.run([loss, train], feeds)
    print("learned:", value < 1.0)
    text, expected, sizes = batch(100)
    found, score, potentials, matrix = sess.run(
        [decoded, best, scores, transitions], {words: text, lengths: sizes}
    )
    live = np.arange(5) < sizes[:, None]
    print("accurate:", (found == expected)[live].mean() > 0.95, "padding:", not found[~live].any())
    path, total = tf.contrib.crf.viterbi_decode(potentials[0, : sizes[0]], matrix)
    print("the same:", path == found[0, : sizes[0]].tolist(), abs(total - score[0]) < 1e-3)
    for line in (["they", "walk", "the", "walk"], ["the", "zebra", "sleeps", ""]):
        size = sum(map(bool, line))
        tagged = sess.run(labels, {words: [line], lengths: [size]})[0, :size]
        print(" ".join(f"{word}/{tag.decode()}" for word, tag in zip(line, tagged)))
