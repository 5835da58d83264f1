"""Control flow by AutoGraph: branches, loops, short circuits, loop variables, what is unrolled, what goes wrong."""

import tensorflow as tf


@tf.function
def f(x):
    while tf.reduce_sum(x) > 1:
        x = tf.tanh(x)
    return x


print(f(tf.constant([0.3, 0.9, 0.7, 0.2, 0.6])))


@tf.function
def fizzbuzz(n):
    for i in tf.range(1, n + 1):
        print("Tracing for loop")
        if i % 15 == 0:
            print("Tracing fizzbuzz branch")
            tf.print("fizzbuzz")
        elif i % 3 == 0:
            print("Tracing fizz branch")
            tf.print("fizz")
        elif i % 5 == 0:
            print("Tracing buzz branch")
            tf.print("buzz")
        else:
            print("Tracing default branch")
            tf.print(i)


fizzbuzz(tf.constant(5))
fizzbuzz(tf.constant(20))


def measure_graph_size(function, *args):
    graph = function.get_concrete_function(*args).graph
    return len(graph.as_graph_def().node)


@tf.function
def train(dataset):
    loss = tf.constant(0)
    for x, y in dataset:
        loss += tf.abs(y - x)
    return loss


small_data = [(1, 1)] * 3
big_data = [(1, 1)] * 10
print(measure_graph_size(train, small_data) < measure_graph_size(train, big_data))
datasets = [tf.data.Dataset.from_generator(lambda d=d: d, (tf.int32, tf.int32)) for d in (small_data, big_data)]
print(measure_graph_size(train, datasets[0]) == measure_graph_size(train, datasets[1]), train(datasets[1]))

batch_size, seq_len, feature_size = 2, 3, 4


def rnn_step(inp, state):
    return inp + state


@tf.function
def dynamic_rnn(rnn_step, input_data, initial_state):
    input_data = tf.transpose(input_data, [1, 0, 2])
    max_seq_len = tf.shape(input_data)[0]
    states = tf.TensorArray(tf.float32, size=max_seq_len)
    state = initial_state
    for i in tf.range(max_seq_len):
        state = rnn_step(input_data[i], state)
        states = states.write(i, state)
    return tf.transpose(states.stack(), [1, 0, 2])


print(dynamic_rnn(rnn_step, tf.reshape(tf.range(24.0), [2, 3, 4]), tf.zeros([batch_size, feature_size])))


@tf.function
def early(n):
    found = -1
    for i in tf.range(n):
        if i == 3:
            found = i * 10
            break
    return found


print(early(tf.constant(5)), early(tf.constant(2)))


@tf.function
def and_or(a, b):
    if a > 0 and b > 0:
        return "both"
    if a > 0 or not b > 0:
        return "some"
    return "b only"


print([and_or(tf.constant(a), tf.constant(b)).numpy() for a in (-1, 1) for b in (-1, 1)])


@tf.function
def chained(x):
    total = 0
    while 0 < x < 20:
        x = x * 2 if x % 2 == 1 else x + 1
        total += 1
        if total > 30:
            break
    return x, total


print(chained(tf.constant(3)))


def complaint(function, *args):
    try:
        print(function(*args))
    except Exception as error:
        kinds = ("TypeError", "ValueError", "OperatorNotAllowed", "UnboundLocalError")
        names = [name for name in kinds if name in repr(error)]
        print(isinstance(error, (TypeError, ValueError, UnboundLocalError)), names[:1])


@tf.function
def undefined_in_a_branch(x):
    if x > 0:
        y = x
    return y


@tf.function
def other_type(x):
    if x > 0:
        y = tf.constant(1)
    else:
        y = tf.constant(1.0)
    return y


@tf.function
def growing(x):
    for _ in tf.range(3):
        x = tf.concat([x, x], 0)
    return x


@tf.function
def grows_as_said(x):
    for _ in tf.range(3):
        tf.autograph.experimental.set_loop_options(shape_invariants=[(x, tf.TensorShape([None]))])
        x = tf.concat([x, x], 0)
    return x


@tf.function(autograph=False)
def unconverted(x):
    if x > 0:
        return x
    return -x


for function, argument in (
    (undefined_in_a_branch, tf.constant(1)), (other_type, tf.constant(1)), (growing, tf.constant([1])),
    (grows_as_said, tf.constant([1])), (unconverted, tf.constant(1)),
):  # fmt: skip
    complaint(function, argument)


@tf.function
def over_structures(ds, items):
    best = {"value": tf.constant(-1), "at": tf.constant(-1)}
    for i, value in ds.enumerate():
        if value > best["value"]:
            best = {"value": value, "at": tf.cast(i, tf.int32)}
    return best, [item * 2 for item in items], {k: v + 1 for k, v in zip("ab", items)}


print(over_structures(tf.data.Dataset.from_tensor_slices([3, 9, 4]), [tf.constant(1), tf.constant(2)]))


print(tf.cond(tf.constant(True), lambda: tf.constant(1), lambda: tf.constant(2)))
print(tf.switch_case(tf.constant(1), [lambda: 10, lambda: 20], default=lambda: 30))
print(tf.case([(tf.constant(False), lambda: 1), (tf.constant(True), lambda: 2)], default=lambda: 3))
print(tf.while_loop(lambda i, s: i < 5, lambda i, s: (i + 1, s + i), (tf.constant(0), tf.constant(0))))
print(tf.scan(lambda a, x: a + x, tf.range(5)), tf.foldl(lambda a, x: a * 2 + x, tf.range(4)))
print(tf.map_fn(lambda x: (x, x * x), tf.range(3), fn_output_signature=(tf.int32, tf.int32)))
print(tf.vectorized_map(lambda x: tf.reduce_sum(x * x), tf.reshape(tf.range(6.0), [3, 2])))
