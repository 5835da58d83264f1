"""Graphs and tf.function: what tracing makes, polymorphism, eager against graph execution, what is not executed."""

import tensorflow as tf


def a_regular_function(x, y, b):
    x = tf.matmul(x, y)
    return x + b


a_function_that_uses_a_graph = tf.function(a_regular_function)
x1, y1, b1 = tf.constant([[1.0, 2.0]]), tf.constant([[2.0], [3.0]]), tf.constant(4.0)
print(a_regular_function(x1, y1, b1).numpy() == a_function_that_uses_a_graph(x1, y1, b1).numpy())


def inner_function(x, y, b):
    x = tf.matmul(x, y)
    return x + b


@tf.function
def outer_function(x):
    y = tf.constant([[2.0], [3.0]])
    b = tf.constant(4.0)
    return inner_function(x, y, b)


print(outer_function(tf.constant([[1.0, 2.0]])).numpy())


def simple_relu(x):
    if tf.greater(x, 0):
        return x
    else:
        return 0


tf_simple_relu = tf.function(simple_relu)
print("First branch, with graph:", tf_simple_relu(tf.constant(1)).numpy())
print("Second branch, with graph:", tf_simple_relu(tf.constant(-1)).numpy())
code = tf.autograph.to_code(simple_relu)
print("simple_relu(x)" in code, "if_stmt" in code)
definition = tf_simple_relu.get_concrete_function(tf.constant(1)).graph.as_graph_def()
print(sorted({"If" if "If" in node.op else node.op for node in definition.node} & {"Placeholder", "Greater", "If"}))


@tf.function
def my_relu(x):
    return tf.maximum(0.0, x)


print(my_relu(tf.constant(5.5)), my_relu([1, -1]), my_relu(tf.constant([3.0, -3.0])))
print(my_relu(tf.constant(-2.5)), my_relu(tf.constant([-1.0, 1.0])))
print(my_relu.pretty_printed_concrete_signatures().count("Input Parameters"))


@tf.function
def get_MSE(y_true, y_pred):
    print("Calculating MSE!")
    sq_diff = tf.pow(y_true - y_pred, 2)
    return tf.reduce_mean(sq_diff)


y_true = tf.constant([1, 5, 2, 8, 3], tf.int32)
y_pred = tf.constant([2, 5, 0, 9, 3], tf.int32)
for _ in range(3):
    error = get_MSE(y_true, y_pred)
tf.config.run_functions_eagerly(True)
for _ in range(3):
    error = get_MSE(y_true, y_pred)
tf.config.run_functions_eagerly(False)
print(error)


def unused_return_eager(x):
    tf.gather(x, [1])
    return x


try:
    print(unused_return_eager(tf.constant([0.0])))
except tf.errors.InvalidArgumentError as e:
    print(type(e).__name__, "not in [0, 1)" in str(e))
try:
    print(tf.function(unused_return_eager)(tf.constant([0.0])))
except tf.errors.InvalidArgumentError as e:
    print("raised in the graph", type(e).__name__)

x = tf.random.uniform(shape=[10, 10], minval=-1, maxval=2, dtype=tf.dtypes.int32)


def power(x, y):
    result = tf.eye(10, dtype=tf.dtypes.int32)
    for _ in range(y):
        result = tf.matmul(x, result)
    return result


print(bool(tf.reduce_all(power(x, 5) == tf.function(power)(x, 5))))


@tf.function
def a_function_with_python_side_effect(x):
    print("Tracing!")
    return x * x + tf.constant(2)


print(a_function_with_python_side_effect(tf.constant(2)), a_function_with_python_side_effect(tf.constant(3)))
print(a_function_with_python_side_effect(2), a_function_with_python_side_effect(3))

graph = tf.Graph()
with graph.as_default():
    a = tf.constant([[1.0, 2.0]], name="a")
    b = tf.matmul(a, a, transpose_b=True, name="b")
    print(b.name, b.op.type, b.graph is graph, tf.executing_eagerly())
    with tf.compat.v1.Session() as session:
        print(session.run(b))
print([operation.name for operation in graph.get_operations()], tf.executing_eagerly())
concrete = outer_function.get_concrete_function(tf.TensorSpec([None, 2]))
print(concrete.graph.inputs[0].shape, concrete.output_shapes, concrete.output_dtypes, concrete.variables)
