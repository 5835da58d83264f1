"""Masked attention with einsum, beam search with growing shapes, negative sampling, REINFORCE on a bandit."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(4)
query, key, value = [tf.constant(rng.normal(size=(2, 3, 4, 5)), tf.float32) for _ in range(3)]


def attend(query, key, value, causal=True):
    scores = tf.einsum("bhqd,bhkd->bhqk", query, key) / tf.sqrt(tf.cast(tf.shape(key)[-1], tf.float32))
    if causal:
        seen = tf.linalg.band_part(tf.ones(tf.shape(scores)[-2:]), -1, 0)
        scores = tf.where(seen > 0, scores, -1e9)
    weights = tf.nn.softmax(scores, axis=-1)
    return tf.einsum("bhqk,bhkd->bqhd", weights, value), weights


mixed, weights = tf.function(attend)(query, key, value)
print(tf.reshape(mixed, [2, 4, -1]).shape, mixed[0, 1, 2].numpy())
print(weights[1, 2].numpy())

log_next = tf.math.log(tf.constant([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3], [0.2, 0.3, 0.5]]))


@tf.function
def beam_search(width, steps):
    beams = tf.zeros([width, 1], tf.int32)
    scores = tf.concat([[0.0], tf.fill([width - 1], -1e9)], axis=0)
    for _ in tf.range(steps):
        tf.autograph.experimental.set_loop_options(shape_invariants=[(beams, tf.TensorShape([None, None]))])
        candidates = scores[:, None] + tf.gather(log_next, beams[:, -1])
        scores, flat = tf.math.top_k(tf.reshape(candidates, [-1]), width)
        beams = tf.concat([tf.gather(beams, flat // 3), (flat % 3)[:, None]], axis=1)
    return beams, scores


beams, scores = beam_search(2, tf.constant(4))
print(beams.numpy().tolist(), scores.numpy())

table = tf.Variable(tf.random.stateless_uniform([10, 4], [1, 1], -0.5, 0.5))
context = tf.Variable(tf.zeros([10, 4]))
targets, near = tf.constant([1, 2, 3, 1]), tf.constant([2, 3, 4, 5])
noise = tf.constant([[6, 7], [8, 9], [6, 6], [0, 7]])
optimizer = tf.keras.optimizers.SGD(0.5)
for _ in range(20):
    with tf.GradientTape() as tape:
        words = tf.nn.embedding_lookup(table, targets)
        good = tf.reduce_sum(words * tf.nn.embedding_lookup(context, near), axis=-1)
        bad = tf.einsum("bd,bnd->bn", words, tf.gather(context, noise))
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.ones_like(good), logits=good))
        loss += tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.zeros_like(bad), logits=bad))
    slopes = tape.gradient(loss, [table, context])
    optimizer.apply_gradients(zip(slopes, [table, context]))
print(loss.numpy(), type(slopes[0]).__name__, table[1].numpy())

logits, reward = tf.Variable(tf.zeros([3])), tf.constant([0.1, 0.2, 1.0])
for i in range(40):
    with tf.GradientTape() as tape:
        actions = tf.random.stateless_categorical(logits[None], 8, [i, i])[0]
        log_chance = tf.gather(tf.nn.log_softmax(logits), actions)
        loss = -tf.reduce_mean(log_chance * tf.gather(reward, actions))
    logits.assign_sub(0.5 * tape.gradient(loss, logits))
print(tf.nn.softmax(logits).numpy())
