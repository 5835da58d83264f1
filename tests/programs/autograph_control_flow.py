"""What AutoGraph makes of loops, breaks, conditions and side effects; when functions are traced again."""

import tensorflow as tf


@tf.function
def collatz(n):
    steps = 0
    while n > 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


@tf.function
def sum_of_small(values):
    total = 0.0
    for value in values:
        if value < 0:
            continue
        if value > 10:
            break
        total += value
    return total


@tf.function
def squares(n):
    found = tf.TensorArray(tf.int32, size=0, dynamic_size=True)
    for i in tf.range(n):
        found = found.write(i, i * i)
    return found.stack()


@tf.function
def nested(x):
    state = {"count": tf.constant(0), "value": x}
    while state["count"] < 4:
        for _ in range(2):
            state["value"] = state["value"] * 2 if state["value"] < 100 else state["value"] - 1
        state["count"] += 1
    return state


print(collatz(tf.constant(27)), collatz(27))
print(sum_of_small(tf.constant([1.0, -5.0, 3.0, 20.0, 4.0])))
print(squares(5), squares(tf.constant(3)))
print(nested(tf.constant(3.5)))


@tf.function
def traced(x):
    print("tracing", x)
    tf.print("running", x)
    return x + 1


for argument in (tf.constant(1), tf.constant(2), tf.constant(1.5), 3, 3, tf.constant([1, 2])):
    traced(argument)
print(traced.experimental_get_tracing_count())


class Counter(tf.Module):
    def __init__(self):
        self.weights = None
        self.calls = tf.Variable(0, trainable=False)

    @tf.function
    def __call__(self, x):
        if self.weights is None:
            self.weights = tf.Variable(tf.ones([x.shape[-1], 1]))
        self.calls.assign_add(1)
        return x @ self.weights


counter = Counter()
print(counter(tf.ones([2, 3])), counter(tf.ones([1, 3])), counter.calls.numpy(), len(counter.trainable_variables))


@tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
def signed(x):
    return tf.reduce_sum(x, axis=0)


print(signed([[1.0, 2.0], [3.0, 4.0]]))
for bad in (tf.ones([3, 3]), tf.ones([3, 2], tf.int32)):
    try:
        signed(bad)
    except TypeError:
        print("TypeError")
