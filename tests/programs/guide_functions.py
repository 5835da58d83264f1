"""tf.function: traces and retraces, signatures, concrete functions, side effects, variables, errors."""

import tensorflow as tf


def first_line(action):
    try:
        print("result:", action())
    except Exception as error:  # what a reader of the guide sees
        print(type(error).__name__)


@tf.function
def add(a, b):
    return a + b


print(add(tf.ones([2, 2]), tf.ones([2, 2])))
v = tf.Variable(1.0)
with tf.GradientTape() as tape:
    result = add(v, 1.0)
print(tape.gradient(result, v))


@tf.function
def dense_layer(x, w, b):
    return add(tf.matmul(x, w), b)


print(dense_layer(tf.ones([3, 2]), tf.ones([2, 2]), tf.ones([2])))


@tf.function
def double(a):
    print("Tracing with", a)
    return a + a


print(double(tf.constant(1)), double(tf.constant(1.1)), double(tf.constant("a")), double(tf.constant("b")))
strings = double.get_concrete_function(tf.TensorSpec(shape=None, dtype=tf.string))
print(strings(tf.constant("c")), strings(a=tf.constant("d")))
from_constant = double.get_concrete_function(tf.constant("a"))
print(from_constant(tf.constant("e")), from_constant.structured_input_signature, from_constant.structured_outputs.dtype)
print("double" in str(strings.name), [t.shape for t in strings.inputs], len(strings.outputs))


@tf.function
def power(a, b):
    return a**b


square = power.get_concrete_function(a=tf.TensorSpec(None, tf.float32), b=2)
print(square(tf.constant(10.0)), square.structured_input_signature)
first_line(lambda: square(tf.constant(10.0), b=3))
print([node.name for node in square.graph.as_graph_def().node][:1], len(square.graph.inputs))


@tf.function(input_signature=(tf.TensorSpec(shape=[None], dtype=tf.int32),))
def next_collatz(x):
    print("Tracing with", x)
    return tf.where(x % 2 == 0, x // 2, 3 * x + 1)


print(next_collatz(tf.constant([1, 2])))
first_line(lambda: next_collatz(tf.constant([[1, 2], [3, 4]])))
first_line(lambda: next_collatz(tf.constant([1.0, 2.0])))


@tf.function(input_signature=(tf.TensorSpec(shape=[None], dtype=tf.int32),))
def g(x):
    print("Tracing with", x)
    return x


print(g(tf.constant([1, 2, 3])), g(tf.constant([1, 2, 3, 4, 5])))


def train_one_step():
    pass


@tf.function
def train(num_steps):
    print("Tracing with num_steps =", num_steps)
    for _ in tf.range(num_steps):
        train_one_step()


for count in (10, 20, tf.constant(10), tf.constant(20)):
    train(num_steps=count)


def f():
    print("Tracing!")
    tf.print("Executing")


tf.function(f)()
tf.function(f)()


class Fruit:
    flavor = tf.constant([0, 0])


class Apple(Fruit):
    flavor = tf.constant([1, 2])


class Mango(Fruit):
    flavor = tf.constant([3, 4])


@tf.function
def get_mixed_flavor(fruit_1, fruit_2):
    print("mixing")
    return fruit_1.flavor + fruit_2.flavor


print(get_mixed_flavor(Apple(), Mango()), get_mixed_flavor(Apple(), Mango()))

external_list = []


@tf.function
def side_effect(x):
    print("Python side effect")
    external_list.append(x)
    tf.print("Traced with", x)


for value in (1, 1, 2):
    side_effect(value)
print(external_list)


class Model(tf.Module):
    def __init__(self):
        self.v = tf.Variable(0)
        self.counter = 0

    @tf.function
    def __call__(self):
        if self.counter == 0:
            self.counter += 1
            self.v.assign_add(1)
        return self.v


m = Model()
print([m().numpy() for _ in range(3)], m.counter)


@tf.function
def buggy_consume_next(iterator):
    return next(iterator)


ds = tf.data.Dataset.from_tensor_slices([1, 2, 3])
iterator = iter(ds)
print([buggy_consume_next(iterator).numpy() for _ in range(3)])


@tf.function
def make_variable(x):
    return tf.Variable(1.0) * x


first_line(lambda: make_variable(1.0))


class Count(tf.Module):
    def __init__(self):
        self.count = None

    @tf.function
    def __call__(self):
        if self.count is None:
            self.count = tf.Variable(0)
        return self.count.assign_add(1)


c = Count()
print(c().numpy(), c().numpy())

optimizers = [tf.keras.optimizers.SGD(0.5), tf.keras.optimizers.SGD(0.25)]


def train_step(w, x, y, optimizer):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(w * x - y))
    optimizer.apply_gradients(zip(tape.gradient(loss, [w]), [w]))


w = tf.Variable(2.0)
batch = tf.constant([-1.0]), tf.constant([2.0])
steps = [tf.function(train_step).get_concrete_function(w, *batch, o) for o in optimizers]
for i in range(4):
    steps[i > 2](w, tf.constant([-1.0]), tf.constant([2.0]), optimizers[i > 2])
    print(w.numpy())

foo = 1


@tf.function
def reads_global(x):
    return x + foo


print(reads_global(1).numpy())
foo = 100
print(reads_global(1).numpy(), reads_global(2).numpy())

variable = tf.Variable(1)


@tf.function
def variable_add():
    return 1 + variable


print(variable_add().numpy())
variable.assign(100)
print(variable_add().numpy())


@tf.function
def some_function(x):
    return leaked.append(x) or x


leaked = []
some_function(tf.constant(1))
first_line(lambda: leaked[0] + 1)


@tf.function
def factorial(n):
    if n > 0:
        return n * factorial(n - 1)
    return 1


print(factorial(5).numpy())


@tf.function(reduce_retracing=True)
def relaxed(x):
    print("Tracing", x.shape)
    return tf.reduce_sum(x)


print(relaxed(tf.constant([1, 2])), relaxed(tf.constant([1, 2, 3])), relaxed(tf.constant([1])))
tf.config.run_functions_eagerly(True)
print(tf.config.functions_run_eagerly(), double(tf.constant(3)).numpy())
tf.config.run_functions_eagerly(False)


@tf.function
def py_effect(x):
    return tf.py_function(lambda value: external_list.append(value.numpy()) or value * 2, [x], tf.int32)


print(py_effect(tf.constant(7)), external_list)
print(tf.function(lambda a, *args, key=3, **kw: a + sum(args) + key + kw["z"])(1, 2, 3, z=tf.constant(4)))
print(double.experimental_get_tracing_count(), double.pretty_printed_concrete_signatures().split("\n")[0])
