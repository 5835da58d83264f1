"""Skip-gram embeddings with noise-contrastive estimation over fixed candidates."""

import collections

import numpy as np
import tensorflow as tf

text = ("the quick brown fox jumps over the lazy dog while the small cat sleeps near the warm fire and the old dog "
        "watches the quick cat jump over the small fox near the warm river while the brown dog sleeps ") * 4
words = text.split()
counts = [["UNK", -1], *collections.Counter(words).most_common(19)]
dictionary = {word: i for i, (word, _) in enumerate(counts)}
data = [dictionary.get(word, 0) for word in words]
vocabulary, size = len(counts), 8
rng = np.random.RandomState(4)


def batches(count, batch_size=16, window=1):
    at = window
    for _ in range(count):
        inputs, labels = [], []
        while len(inputs) < batch_size:
            for offset in (-window, window):
                inputs.append(data[at])
                labels.append(data[at + offset])
            at = at + 1 if at + 1 < len(data) - window else window
        yield np.array(inputs), np.array(labels)[:, None]


train_inputs = tf.placeholder(tf.int32, shape=[16])
train_labels = tf.placeholder(tf.int64, shape=[16, 1])
embeddings = tf.Variable((rng.rand(vocabulary, size) * 2 - 1).astype("float32"))
embed = tf.nn.embedding_lookup(embeddings, train_inputs)
nce_weights = tf.Variable((rng.randn(vocabulary, size) / np.sqrt(size)).astype("float32"))
nce_biases = tf.Variable(tf.zeros([vocabulary]))
sampled = (tf.constant([1, 4, 7, 11], tf.int64), tf.fill([16, 1], 0.4), tf.constant([0.5, 0.3, 0.2, 0.1]))
loss = tf.reduce_mean(
    tf.nn.nce_loss(weights=nce_weights, biases=nce_biases, labels=train_labels, inputs=embed, num_sampled=4,
                   num_classes=vocabulary, sampled_values=sampled)
)
optimizer = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
norm = tf.sqrt(tf.reduce_sum(tf.square(embeddings), 1, keep_dims=True))
normalized = embeddings / norm
similarity = tf.matmul(tf.nn.embedding_lookup(normalized, tf.constant([1, 2, 3])), normalized, transpose_b=True)

with tf.Session() as session:
    tf.global_variables_initializer().run()
    average = 0.0
    for step, (x, y) in enumerate(batches(200)):
        _, value = session.run([optimizer, loss], feed_dict={train_inputs: x, train_labels: y})
        average += value / 50
        if (step + 1) % 50 == 0:
            print("Average loss at step", step + 1, ":", round(float(average), 4))
            average = 0.0
    print(np.round(similarity.eval(), 3))
    drawn = session.run(tf.nn.log_uniform_candidate_sampler(train_labels, 1, 5, True, vocabulary), {train_labels: y})
    print(drawn[0].shape, drawn[1].shape, len(set(drawn[0].tolist())))
