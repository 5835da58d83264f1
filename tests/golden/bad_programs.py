"""Programs that TensorFlow and Keras refuse, by name: what is wrong is in the last statements of each.

They see `tf`, `np`, `keras` and `folder` (an empty directory). tests/golden/record_errors.py records the types of the
errors, tests/test_errors.py reads them. `MODEL` is put before those that use `model`, `x` and `y`.
"""

from __future__ import annotations

import linecache
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

MODEL = """
x, y = np.ones([8, 3], "float32"), np.ones([8, 2], "float32")
model = keras.Sequential([keras.Input([3]), keras.layers.Dense(2)])
model.compile("sgd", "mse", metrics=["mae"])
"""

TWO = """
x, y = np.ones([8, 3], "float32"), np.ones([8, 2], "float32")
a, b = keras.Input([3], name="a"), keras.Input([3], name="b")
one, two = keras.layers.Dense(2, name="one")(a), keras.layers.Dense(2, name="two")(b)
model = keras.Model({"a": a, "b": b}, {"one": one, "two": two})
model.compile("sgd", "mse")
"""

LISTS = """
x, y = np.ones([8, 3], "float32"), np.ones([8, 2], "float32")
a, b = keras.Input([3], name="a"), keras.Input([3], name="b")
model = keras.Model([a, b], keras.layers.Dense(2)(a + b))
model.compile("sgd", "mse")
"""

CLASSES = """
x, y = np.ones([8, 3], "float32"), np.zeros([8], "int32")
model = keras.Sequential([keras.Input([3]), keras.layers.Dense(4)])
model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
"""

V1 = """
v1 = tf.compat.v1
graph = tf.Graph()
with graph.as_default():
    p = v1.placeholder(tf.float32, [None, 2], name="p")
    q = v1.placeholder(tf.int32, [], name="q")
    double = p * 2.0
    state = v1.get_variable("state", [2], initializer=v1.zeros_initializer())
    total = double + state
session = v1.Session(graph=graph)
"""

PROGRAMS: dict[str, str] = {
    # -- tf.function --
    "function: leaked from a function, used eagerly": """
kept = []
@tf.function
def f(x):
    kept.append(x * 2.0)
    return x
f(tf.constant(1.0))
kept[0] + 1.0
""",
    "function: leaked from a function, used in another": """
kept = []
@tf.function
def f(x):
    kept.append(x * 2.0)
    return x
f(tf.constant(1.0))
@tf.function
def g(x):
    return x + kept[0]
g(tf.constant(1.0))
""",
    "function: leaked from a loop": """
@tf.function
def f(n):
    kept = []
    for i in tf.range(n):
        kept.append(i * 2)
    return kept[0]
f(tf.constant(3))
""",
    "function: leaked from a branch": """
kept = []
@tf.function
def f(x):
    tf.cond(x > 0, lambda: kept.append(x * 2.0) or x, lambda: x)
    return kept[0]
f(tf.constant(1.0))
""",
    "function: leaked from a branch of an if": """
kept = []
@tf.function
def f(x):
    if x > 0:
        kept.append(x * 2.0)
    return kept[-1] + 1.0
f(tf.constant(1.0))
""",
    "function: numpy() of a symbolic tensor": "tf.function(lambda x: x.numpy())(tf.constant(1.0))",
    "function: bool() of a symbolic tensor": "tf.function(lambda x: 1 if x > 0 else 2, autograph=False)(tf.constant(1.0))",
    "function: iterating without AutoGraph": "tf.function(lambda x: [i for i in x], autograph=False)(tf.constant([1.0]))",
    "function: float() of a symbolic tensor": "tf.function(lambda x: float(x), autograph=False)(tf.constant(1.0))",
    "function: int() of a symbolic tensor": "tf.function(lambda x: int(x), autograph=False)(tf.constant(1))",
    "function: np.array of a symbolic tensor": "tf.function(lambda x: np.array(x), autograph=False)(tf.constant(1.0))",
    "function: len() of an unknown size": "tf.function(lambda x: len(x), autograph=False)(tf.constant([1.0]))",
    "function: len() of a scalar": "tf.function(lambda x: len(x), autograph=False, input_signature=[tf.TensorSpec([])])(tf.constant(1.0))",
    "function: variable made on every call": """
@tf.function
def f():
    return tf.Variable(1.0) + 1.0
f()
""",
    "function: result that is no tensor": "tf.function(lambda x: object())(tf.constant(1.0))",
    "function: too many arguments": "tf.function(lambda x: x)(1, 2)",
    "function: missing argument": "tf.function(lambda x: x)()",
    "function: unknown argument": "tf.function(lambda x: x)(z=1)",
    "function: argument that cannot be hashed": """
class Odd:
    __hash__ = None
tf.function(lambda x: 1)(Odd())
""",
    "function: signature, wrong dtype": "tf.function(lambda x: x, input_signature=[tf.TensorSpec([], tf.float32)])(tf.constant(1))",
    "function: signature, wrong shape": "tf.function(lambda x: x, input_signature=[tf.TensorSpec([2])])(tf.constant([1.0]))",
    "function: signature, wrong rank": "tf.function(lambda x: x, input_signature=[tf.TensorSpec([None])])(tf.constant(1.0))",
    "function: signature, too many": "tf.function(lambda x: x, input_signature=[tf.TensorSpec([])])(1.0, 2.0)",
    "function: signature, no tensor": "tf.function(lambda x: x, input_signature=[tf.TensorSpec([])])('a')",
    "function: signature, wrong structure": "tf.function(lambda x: x, input_signature=[[tf.TensorSpec([])]])(tf.constant(1.0))",
    "function: signature longer than the function": "tf.function(lambda x: x, input_signature=[tf.TensorSpec([])] * 2)(1.0)",
    "concrete: wrong shape": """
g = tf.function(lambda x: x).get_concrete_function(tf.TensorSpec([2], tf.float32))
g(tf.constant([1.0, 2.0, 3.0]))
""",
    "concrete: wrong dtype": """
g = tf.function(lambda x: x).get_concrete_function(tf.TensorSpec([2], tf.float32))
g(tf.constant([1, 2]))
""",
    "concrete: wrong rank": """
g = tf.function(lambda x: x).get_concrete_function(tf.TensorSpec([None], tf.float32))
g(tf.constant(1.0))
""",
    "concrete: too many arguments": """
g = tf.function(lambda x: x).get_concrete_function(tf.TensorSpec([2], tf.float32))
g(tf.constant([1.0, 2.0]), tf.constant(1.0))
""",
    "concrete: missing argument": """
g = tf.function(lambda x: x).get_concrete_function(tf.TensorSpec([2], tf.float32))
g()
""",
    "concrete: unknown argument": """
g = tf.function(lambda x: x).get_concrete_function(tf.TensorSpec([2], tf.float32))
g(zz=tf.constant([1.0, 2.0]))
""",
    "concrete: no tensor": """
g = tf.function(lambda x: x).get_concrete_function(tf.TensorSpec([2], tf.float32))
g("a")
""",
    "concrete: other Python value": """
g = tf.function(lambda x, n: x * n).get_concrete_function(tf.TensorSpec([2], tf.float32), 2.0)
g(tf.constant([1.0, 2.0]), 3.0)
""",
    "autograph: dtype changes in a loop": """
@tf.function
def f(n):
    x = 0
    while x < n:
        x = x + 0.5
    return x
f(tf.constant(3))
""",
    "autograph: shape changes in a loop": """
@tf.function
def f(n):
    x = tf.zeros([1])
    for i in tf.range(n):
        x = tf.concat([x, x], 0)
    return x
f(tf.constant(3))
""",
    "autograph: branches of different dtypes": """
@tf.function
def f(x):
    if x > 0:
        y = tf.constant(1.0)
    else:
        y = tf.constant(1)
    return y
f(tf.constant(1.0))
""",
    "autograph: return in one branch only": """
@tf.function
def f(x):
    if x > 0:
        return x
f(tf.constant(1.0))
""",
    "autograph: condition of several values": """
@tf.function
def f(x):
    if x > 0:
        return x
    return -x
f(tf.constant([1.0, 2.0]))
""",
    "autograph: assert that fails": """
@tf.function
def f(x):
    assert x > 0, "positive"
    return x
f(tf.constant(-1.0))
""",
    "autograph: undefined before the loop": """
@tf.function
def f(n):
    for i in tf.range(n):
        y = i
    return y
f(tf.constant(0))
""",
    "autograph: iterating over a scalar": """
@tf.function
def f(x):
    total = 0.0
    for v in x:
        total += v
    return total
f(tf.constant(1.0))
""",
    "autograph: raise in the function": """
@tf.function
def f(x):
    raise KeyError("mine")
f(tf.constant(1.0))
""",
    "run: product of sizes that do not fit": """
@tf.function(input_signature=[tf.TensorSpec(None), tf.TensorSpec(None)])
def f(a, b):
    c = a + 1.0
    return tf.matmul(c, b)
f(tf.zeros([2, 3]), tf.zeros([2, 3]))
""",
    "run: sum of sizes that do not fit": """
@tf.function(input_signature=[tf.TensorSpec([None]), tf.TensorSpec([None])])
def f(a, b):
    return tf.tanh(a + b)
f(tf.zeros([2]), tf.zeros([3]))
""",
    "run: reshape that does not fit": """
@tf.function(input_signature=[tf.TensorSpec([None])])
def f(a):
    return tf.reshape(a, [2, 2])
f(tf.zeros([3]))
""",
    "run: division of ints by zero": """
@tf.function
def f(a, b):
    return a // b
f(tf.constant([1]), tf.constant([0]))
""",
    "run: set_shape that was wrong": """
@tf.function(input_signature=[tf.TensorSpec([None])])
def f(a):
    a = tf.ensure_shape(a, [2])
    return a + 1.0
f(tf.zeros([3]))
""",
    "run: set_shape against what is known": """
@tf.function(input_signature=[tf.TensorSpec([2])])
def f(a):
    a.set_shape([3])
    return a
f(tf.zeros([2]))
""",
    "tape: gradient of what is no tensor": """
v = tf.Variable(1.0)
with tf.GradientTape() as tape:
    y = v * 2.0
tape.gradient(3, v)
""",
    "tape: jacobian of unrelated batches": """
x = tf.ones([2, 3])
with tf.GradientTape() as tape:
    tape.watch(x)
    y = tf.ones([4, 3]) * tf.reduce_sum(x)
tape.batch_jacobian(y, x)
""",
    "tape: entered twice": """
tape = tf.GradientTape()
with tape:
    with tape:
        pass
""",
    "tape: watching what is no tensor": """
with tf.GradientTape() as tape:
    tape.watch(3.0)
""",
    "tape: custom gradient with the wrong count": """
@tf.custom_gradient
def f(x, y):
    return x * y, lambda g: g
x = tf.Variable(1.0)
with tf.GradientTape() as tape:
    z = f(x, x)
tape.gradient(z, x)
""",
    "tape: unknown unconnected_gradients": """
v = tf.Variable(1.0)
with tf.GradientTape() as tape:
    y = v * 2.0
tape.gradient(y, v, unconnected_gradients="zz")
""",
    # -- sessions --
    "session: missing feed": V1 + "session.run(double)",
    "session: feed of a wrong shape": V1 + "session.run(double, {p: np.ones([2, 3])})",
    "session: feed of a wrong rank": V1 + "session.run(double, {p: np.ones([2])})",
    "session: feed of a wrong kind": V1 + "session.run(double, {p: 'a'})",
    "session: feed of a float for an int": V1 + "session.run(q, {q: 1.5})",
    "session: feed of None": V1 + "session.run(double, {p: None})",
    "session: feed of a tensor": V1 + "with graph.as_default():\n    session.run(double, {p: tf.ones([1, 2])})",
    "session: feed by an unknown name": V1 + "session.run(double, {'zz:0': 1.0})",
    "session: feed by a bad name": V1 + "session.run(double, {'zz': 1.0})",
    "session: feed key of a wrong kind": V1 + "session.run(double, {5: 1.0})",
    "session: feed that is no dict": V1 + "session.run(double, [p])",
    "session: feed of a wrong structure": V1 + "session.run(double, {(p, q): (np.ones([1, 2]),)})",
    "session: fetch of None": V1 + "session.run(None)",
    "session: fetch of an int": V1 + "session.run(5)",
    "session: fetch of an unknown name": V1 + "session.run('zz:0')",
    "session: fetch of an unknown operation": V1 + "session.run('zz')",
    "session: fetch from another graph": V1 + "with tf.Graph().as_default():\n    z = tf.constant(1.0)\nsession.run(z)",
    "session: fetch of an eager tensor": V1 + "session.run(tf.constant(1.0))",
    "session: closed": V1 + "session.close()\nsession.run(double, {p: np.ones([1, 2])})",
    "session: variable not initialized": V1 + "session.run(state)",
    "session: sum with a variable not initialized": V1 + "session.run(total, {p: np.ones([1, 2])})",
    "session: empty graph": "tf.compat.v1.Session(graph=tf.Graph()).run('a:0')",
    "session: variable made twice": V1 + "with graph.as_default():\n    v1.get_variable('state', [2])",
    "session: variable reused that is not there": V1 + "with graph.as_default(), v1.variable_scope('zz', reuse=True):\n    v1.get_variable('w', [2])",
    "session: variable reused with another shape": V1 + "with graph.as_default(), v1.variable_scope('', reuse=True):\n    v1.get_variable('state', [3])",
    "session: variable without a shape": V1 + "with graph.as_default():\n    v1.get_variable('other')",
    "session: assert that fails": V1
    + """
with graph.as_default():
    with tf.control_dependencies([v1.assert_equal(q, 5)]):
        z = tf.identity(q)
session.run(z, {q: 4})
""",
    "session: index out of range": V1
    + """
with graph.as_default():
    z = tf.gather(tf.constant([1.0, 2.0]), q)
session.run(z, {q: 4})
""",
    "session: shapes known when built": V1 + "with graph.as_default():\n    tf.matmul(tf.ones([2, 3]), tf.ones([2, 3]))",
    "session: dtypes known when built": V1 + "with graph.as_default():\n    p + q",
    "session: bool of a tensor": V1 + "if p > 0:\n    pass",
    "session: iterating over a tensor": V1 + "[i for i in p]",
    "session: numpy() of a graph tensor": V1 + "p.numpy()",
    "session: eval without a session": V1 + "double.eval({p: np.ones([1, 2])})",
    "session: placeholder in eager mode": "tf.compat.v1.placeholder(tf.float32)",
    "session: graph finalized": V1 + "graph.finalize()\nwith graph.as_default():\n    tf.constant(1.0)",
    "session: tensors of two graphs": V1 + "with tf.Graph().as_default():\n    tf.constant(1.0) + p",
    "session: gradients of what is no tensor": V1 + "with graph.as_default():\n    tf.gradients(5, p)",
    "session: optimizer without variables": """
v1 = tf.compat.v1
with tf.Graph().as_default():
    v1.train.GradientDescentOptimizer(0.1).minimize(tf.constant(1.0))
""",
    "session: optimizer without gradients": V1
    + "with graph.as_default():\n    v1.train.AdamOptimizer().minimize(tf.reduce_sum(double))",
    "session: while_loop whose shape changes": V1
    + "with graph.as_default():\n    tf.while_loop(lambda i: tf.size(i) < 9, lambda i: tf.concat([i, i], 0), [tf.constant([0])])",
    "session: get_tensor_by_name without an index": V1 + "graph.get_tensor_by_name('p')",
    "session: get_tensor_by_name unknown": V1 + "graph.get_tensor_by_name('zz:0')",
    "session: get_operation_by_name unknown": V1 + "graph.get_operation_by_name('zz')",
    "session: saver without variables": "with tf.Graph().as_default():\n    tf.compat.v1.train.Saver()",
    "session: saver restores what is not there": V1
    + "with graph.as_default():\n    v1.train.Saver().restore(session, folder + '/none')",
    # -- tf.data --
    "data: tensors of different lengths": "tf.data.Dataset.from_tensor_slices(([1, 2], [1, 2, 3]))",
    "data: slices of a scalar": "tf.data.Dataset.from_tensor_slices(1)",
    "data: batch of zero": "list(tf.data.Dataset.range(3).batch(0))",
    "data: batch of ragged elements": "list(tf.data.Dataset.range(1, 3).map(lambda n: tf.ones([n])).batch(2))",
    "data: map that fails": "list(tf.data.Dataset.range(3).map(lambda n: tf.ensure_shape(tf.ones([n]), [2])))",
    "data: map of the wrong arity": "tf.data.Dataset.from_tensor_slices(([1], [2])).map(lambda a: a)",
    "data: map in Python that raises": "list(tf.data.Dataset.range(3).map(lambda n: tf.py_function(lambda v: 1 / 0, [n], tf.int64)))",
    "data: filter of no bool": "list(tf.data.Dataset.range(3).filter(lambda n: n))",
    "data: filter of a vector": "tf.data.Dataset.range(3).filter(lambda n: tf.constant([True]))",
    "data: zip of what is no dataset": "tf.data.Dataset.zip(5)",
    "data: concatenate of other types": "tf.data.Dataset.range(3).concatenate(tf.data.Dataset.from_tensors(1.0))",
    "data: shuffle of zero": "list(tf.data.Dataset.range(3).shuffle(0))",
    "data: take of a float": "tf.data.Dataset.range(3).take(1.5)",
    "data: window of zero": "list(tf.data.Dataset.range(3).window(0))",
    "data: interleave of no datasets": "tf.data.Dataset.range(3).interleave(lambda n: n)",
    "data: flat_map of no datasets": "tf.data.Dataset.range(3).flat_map(lambda n: n)",
    "data: reduce that changes its dtype": "tf.data.Dataset.range(3).reduce(0.0, lambda a, n: n)",
    "data: generator of the wrong dtype": "list(tf.data.Dataset.from_generator(lambda: iter(['a']), output_signature=tf.TensorSpec([], tf.int32)))",
    "data: generator of the wrong shape": "list(tf.data.Dataset.from_generator(lambda: iter([[1, 2]]), output_signature=tf.TensorSpec([3], tf.int32)))",
    "data: generator that is not callable": "tf.data.Dataset.from_generator([1], tf.int32)",
    "data: generator that raises": """
def broken():
    yield 1
    raise KeyError("mine")
list(tf.data.Dataset.from_generator(broken, output_signature=tf.TensorSpec([], tf.int32)))
""",
    "data: padded_batch smaller than an element": "list(tf.data.Dataset.from_tensors([1, 2, 3]).padded_batch(1, padded_shapes=[2]))",
    "data: length of unknown": "len(tf.data.Dataset.range(3).filter(lambda n: n > 0))",
    "data: length of infinite": "len(tf.data.Dataset.range(3).repeat())",
    "data: next past the end": "it = iter(tf.data.Dataset.range(1))\nnext(it)\nnext(it)",
    "data: get_next past the end": "it = iter(tf.data.Dataset.range(1))\nnext(it)\nit.get_next()",
    "data: get_single_element of two": "tf.data.Dataset.range(2).get_single_element()",
    "data: get_single_element of none": "tf.data.Dataset.range(0).get_single_element()",
    "data: range without arguments": "tf.data.Dataset.range()",
    "data: unbatch of scalars": "tf.data.Dataset.range(3).unbatch()",
    "data: file that is not there": "list(tf.data.TextLineDataset(folder + '/none'))",
    "data: records that are not there": "list(tf.data.TFRecordDataset(folder + '/none'))",
    "data: records that are corrupt": "open(folder + '/bad', 'wb').write(b'0123456789012345')\nlist(tf.data.TFRecordDataset(folder + '/bad'))",
    "data: unknown option": "tf.data.Options().zz = 5",
    "data: unknown method": "tf.data.Dataset.range(3).zz",
    "data: list_files without a match": "list(tf.data.Dataset.list_files(folder + '/*.none'))",
    "data: shard out of range": "list(tf.data.Dataset.range(3).shard(2, 5))",
    "data: enumerate in a function, not iterable": "tf.function(lambda n: [v for v in n])(5)",
    # -- layers --
    "layer: Dense on a scalar input": "keras.layers.Dense(2)(tf.constant(1.0))",
    "layer: Dense of no units": "keras.layers.Dense(0)",
    "layer: Dense of negative units": "keras.layers.Dense(-1)",
    "layer: Dense of units that are no int": "keras.layers.Dense('a')",
    "layer: unknown activation": "keras.layers.Dense(2, activation='zz')",
    "layer: unknown initializer": "keras.layers.Dense(2, kernel_initializer='zz')",
    "layer: unknown regularizer": "keras.layers.Dense(2, kernel_regularizer='zz')",
    "layer: unknown argument": "keras.layers.Dense(2, zz=3)",
    "layer: called with another width": "layer = keras.layers.Dense(2)\nlayer(tf.ones([1, 3]))\nlayer(tf.ones([1, 4]))",
    "layer: last dimension unknown": "keras.layers.Dense(2)(keras.Input([None]))",
    "layer: weights before it is built": "keras.layers.Dense(2).kernel",
    "layer: unknown attribute": "keras.layers.Dense(2).zz",
    "layer: set_weights of the wrong count": "layer = keras.layers.Dense(2)\nlayer.build([None, 3])\nlayer.set_weights([np.ones([3, 2])])",
    "layer: set_weights of the wrong shape": "layer = keras.layers.Dense(2)\nlayer.build([None, 3])\nlayer.set_weights([np.ones([2, 3]), np.ones([2])])",
    "layer: called without input": "keras.layers.Dense(2)()",
    "layer: called on a string": "keras.layers.Dense(2)('a')",
    "layer: called on None": "keras.layers.Dense(2)(None)",
    "layer: Conv2D on a matrix": "keras.layers.Conv2D(2, 3)(tf.ones([1, 4]))",
    "layer: Conv2D larger than the input": "keras.layers.Conv2D(2, 5)(tf.ones([1, 3, 3, 1]))",
    "layer: Conv2D of no filters": "keras.layers.Conv2D(0, 3)",
    "layer: Conv2D of a bad kernel size": "keras.layers.Conv2D(2, (3, 3, 3))",
    "layer: Conv2D with strides and dilation": "keras.layers.Conv2D(2, 3, strides=2, dilation_rate=2)",
    "layer: Conv2D of unknown padding": "keras.layers.Conv2D(2, 3, padding='zz')",
    "layer: Conv2D of groups that do not divide": "keras.layers.Conv2D(3, 3, groups=2)",
    "layer: Conv2D of channels that groups do not divide": "keras.layers.Conv2D(4, 3, groups=2)(tf.ones([1, 4, 4, 3]))",
    "layer: MaxPooling2D on a matrix": "keras.layers.MaxPooling2D()(tf.ones([1, 4]))",
    "layer: Embedding index out of range": "keras.layers.Embedding(3, 2)(tf.constant([5]))",
    "layer: LSTM on a matrix": "keras.layers.LSTM(2)(tf.ones([1, 4]))",
    "layer: LSTM of no units": "keras.layers.LSTM(0)",
    "layer: Reshape that does not fit": "keras.layers.Reshape([2, 2])(tf.ones([1, 3]))",
    "layer: Reshape that does not fit, symbolic": "keras.layers.Reshape([2, 2])(keras.Input([3]))",
    "layer: Permute that does not fit": "keras.layers.Permute([1, 3])",
    "layer: Concatenate of different sizes": "keras.layers.Concatenate()([tf.ones([1, 2, 3]), tf.ones([1, 3, 3])])",
    "layer: Concatenate of one": "keras.layers.Concatenate()(tf.ones([1, 2]))",
    "layer: Add of one": "keras.layers.Add()([tf.ones([1, 2])])",
    "layer: Add of sizes that do not broadcast": "keras.layers.Add()([tf.ones([1, 2]), tf.ones([1, 3])])",
    "layer: Subtract of three": "keras.layers.Subtract()([tf.ones([1, 2])] * 3)",
    "layer: Dot of sizes that do not fit": "keras.layers.Dot(axes=1)([tf.ones([1, 2]), tf.ones([1, 3])])",
    "layer: Dropout out of range": "keras.layers.Dropout(1.5)",
    "layer: BatchNormalization on a wrong axis": "keras.layers.BatchNormalization(axis=5)(tf.ones([1, 2]))",
    "layer: LayerNormalization on a wrong axis": "keras.layers.LayerNormalization(axis=5)(tf.ones([1, 2]))",
    "layer: RepeatVector on a vector": "keras.layers.RepeatVector(2)(tf.ones([2]))",
    "layer: TimeDistributed on a matrix": "keras.layers.TimeDistributed(keras.layers.Dense(2))(tf.ones([1, 2]))",
    "layer: Bidirectional of no RNN": "keras.layers.Bidirectional(keras.layers.Dense(2))",
    "layer: MultiHeadAttention without value": "keras.layers.MultiHeadAttention(2, 2)(tf.ones([1, 2, 3]))",
    "layer: own build that does not call super": """
class Own(keras.layers.Layer):
    def call(self, x):
        return x + self.zz
Own()(tf.ones([1]))
""",
    "layer: add_weight of an unknown initializer": "keras.layers.Layer().add_weight(shape=[2], initializer='zz')",
    "layer: from_config of the wrong keys": "keras.layers.Dense.from_config({'units': 2, 'zz': 3})",
    "layer: attribute before super().__init__": """
class Own(keras.layers.Layer):
    def __init__(self):
        self.inner = keras.layers.Dense(2)
Own()
""",
    # -- models --
    "model: Sequential of what is no layer": "keras.Sequential([5])",
    "model: Sequential with the same name twice": "keras.Sequential([keras.layers.Dense(2, name='a'), keras.layers.Dense(2, name='a')])",
    "model: Sequential popped empty": "keras.Sequential().pop()",
    "model: Functional that is not connected": "a, b = keras.Input([2]), keras.Input([2])\nkeras.Model(a, keras.layers.Dense(2)(b))",
    "model: Functional of what is no input": "keras.Model(tf.ones([1, 2]), tf.ones([1, 2]))",
    "model: TensorFlow op on a Keras tensor": "tf.add(keras.Input([2]), 1.0)",
    "model: bool of a Keras tensor": "bool(keras.Input([2]))",
    "model: iterating over a Keras tensor": "[i for i in keras.Input([2])]",
    "model: numpy of a Keras tensor": "np.array(keras.Input([2]))",
    "model: Functional input used twice": "a = keras.Input([2])\nkeras.Model([a, a], keras.layers.Dense(2)(a))",
    "model: get_layer unknown": MODEL + "model.get_layer('zz')",
    "model: get_layer out of range": MODEL + "model.get_layer(index=9)",
    "model: get_layer of nothing": MODEL + "model.get_layer()",
    "model: output before it is built": "keras.Sequential([keras.layers.Dense(2)]).output",
    "model: summary before it is built": "keras.Sequential([keras.layers.Dense(2)]).count_params()",
    "model: subclass without call": "class M(keras.Model):\n    pass\nM()(tf.ones([1, 2]))",
    "model: subclass without super().__init__": """
class M(keras.Model):
    def __init__(self):
        self.inner = keras.layers.Dense(2)
M()
""",
    "model: too few inputs": LISTS + "model([x])",
    "model: too many inputs": LISTS + "model([x, x, x])",
    "model: missing key of inputs": TWO + "model({'a': x})",
    "model: unknown keys of inputs": TWO + "model({'a': x, 'zz': x})",
    "model: array for a dict": TWO + "model(x)",
    "model: wrong width of input": MODEL + "model(np.ones([8, 4], 'float32'))",
    "model: wrong rank of input": MODEL + "model(np.ones([8, 3, 3], 'float32'))",
    # -- compile --
    "compile: unknown optimizer": MODEL + "model.compile('zz', 'mse')",
    "compile: unknown loss": MODEL + "model.compile('sgd', 'zz')",
    "compile: unknown metric": MODEL + "model.compile('sgd', 'mse', metrics=['zz'])\nmodel.fit(x, y, verbose=0)",
    "compile: optimizer of a wrong kind": MODEL + "model.compile(5, 'mse')",
    "compile: loss of a wrong kind": MODEL + "model.compile('sgd', 5)\nmodel.fit(x, y, verbose=0)",
    "compile: metric of a wrong kind": MODEL + "model.compile('sgd', 'mse', metrics=5)\nmodel.fit(x, y, verbose=0)",
    "compile: unknown argument": MODEL + "model.compile('sgd', 'mse', zz=1)",
    "compile: too many losses": MODEL + "model.compile('sgd', ['mse', 'mse'])\nmodel.fit(x, y, verbose=0)",
    "compile: loss for an unknown output": TWO + "model.compile('sgd', {'one': 'mse', 'zz': 'mse'})\nmodel.fit({'a': x, 'b': x}, {'one': y, 'two': y}, verbose=0)",
    "compile: metric for an unknown output": TWO + "model.compile('sgd', 'mse', metrics={'zz': 'mae'})\nmodel.fit({'a': x, 'b': x}, {'one': y, 'two': y}, verbose=0)",
    "compile: loss weights for an unknown output": TWO
    + "model.compile('sgd', 'mse', loss_weights={'zz': 1.0})\nmodel.fit({'a': x, 'b': x}, {'one': y, 'two': y}, verbose=0)",
    "compile: loss weights of the wrong count": TWO
    + "model.compile('sgd', 'mse', loss_weights=[1.0])\nmodel.fit({'a': x, 'b': x}, {'one': y, 'two': y}, verbose=0)",
    # -- fit, evaluate, predict --
    "fit: not compiled": "keras.Sequential([keras.layers.Dense(2)]).fit(np.ones([2, 3]), np.ones([2, 2]), verbose=0)",
    "evaluate: not compiled": "keras.Sequential([keras.layers.Dense(2)]).evaluate(np.ones([2, 3]), np.ones([2, 2]), verbose=0)",
    "fit: different lengths": MODEL + "model.fit(x, y[:5], verbose=0)",
    "fit: wrong width of x": MODEL + "model.fit(np.ones([8, 4], 'float32'), y, verbose=0)",
    "fit: wrong width of y": MODEL + "model.fit(x, np.ones([8, 3], 'float32'), verbose=0)",
    "fit: no targets": MODEL + "model.fit(x, verbose=0)",
    "fit: no data": MODEL + "model.fit(verbose=0)",
    "fit: lists of numbers": MODEL + "model.fit([1.0, 2.0], [1.0, 2.0], verbose=0)",
    "fit: strings": MODEL + "model.fit(np.array([['a', 'b', 'c']]), y[:1], verbose=0)",
    "fit: objects": MODEL + "model.fit(np.array([[None, 1, 2]], object), y[:1], verbose=0)",
    "fit: batch size of zero": MODEL + "model.fit(x, y, batch_size=0, verbose=0)",
    "fit: batch size of a wrong kind": MODEL + "model.fit(x, y, batch_size='a', verbose=0)",
    "fit: epochs of a wrong kind": MODEL + "model.fit(x, y, epochs='a', verbose=0)",
    "fit: unknown argument": MODEL + "model.fit(x, y, zz=1)",
    "fit: validation split out of range": MODEL + "model.fit(x, y, validation_split=1.0, verbose=0)",
    "fit: validation split of a dataset": MODEL + "model.fit(tf.data.Dataset.from_tensors((x, y)), validation_split=0.5, verbose=0)",
    "fit: validation split of one sample": MODEL + "model.fit(x[:1], y[:1], validation_split=0.5, verbose=0)",
    "fit: validation data of another width": MODEL + "model.fit(x, y, validation_data=(x[:, :2], y), verbose=0)",
    "fit: validation data of one array": MODEL + "model.fit(x, y, validation_data=x, verbose=0)",
    "fit: targets beside a dataset": MODEL + "model.fit(tf.data.Dataset.from_tensors((x, y)), y, verbose=0)",
    "fit: batch size beside a dataset": MODEL + "model.fit(tf.data.Dataset.from_tensors((x, y)), batch_size=3, verbose=0)",
    "fit: sample weights of another length": MODEL + "model.fit(x, y, sample_weight=np.ones([5]), verbose=0)",
    "fit: class weight of a wrong class": MODEL + "model.fit(x, y, class_weight={'a': 1.0}, verbose=0)",
    "fit: class weight with two outputs": TWO + "model.fit({'a': x, 'b': x}, {'one': y, 'two': y}, class_weight={0: 1.0, 1: 1.0}, verbose=0)",
    "fit: class weight beside sample weights": CLASSES + "model.fit(x, y, class_weight={0: 1.0}, sample_weight=np.ones([8]), verbose=0)",
    "fit: callback of a wrong kind": MODEL + "model.fit(x, y, callbacks=[5], verbose=0)",
    "fit: dataset of single arrays": MODEL + "model.fit(tf.data.Dataset.from_tensors(x), verbose=0)",
    "fit: dataset that is not batched": MODEL + "model.fit(tf.data.Dataset.from_tensor_slices((x, y)), verbose=0)",
    "fit: empty dataset": MODEL + "model.fit(tf.data.Dataset.from_tensors((x, y)).take(0), verbose=0)",
    "fit: empty arrays": MODEL + "model.fit(x[:0], y[:0], verbose=0)",
    "fit: generator that is empty": MODEL + "model.fit(iter(()), steps_per_epoch=1, verbose=0)",
    "fit: generator of four": MODEL + "model.fit(iter([(x, y, y, y)]), steps_per_epoch=1, verbose=0)",
    "fit: too few inputs": LISTS + "model.fit([x], y, verbose=0)",
    "fit: missing key of inputs": TWO + "model.fit({'a': x}, {'one': y, 'two': y}, verbose=0)",
    "fit: missing key of targets": TWO + "model.fit({'a': x, 'b': x}, {'one': y}, verbose=0)",
    "fit: unknown key of targets": TWO + "model.fit({'a': x, 'b': x}, {'one': y, 'zz': y}, verbose=0)",
    "fit: targets as an array": TWO + "model.fit({'a': x, 'b': x}, y, verbose=0)",
    "fit: targets of three": TWO + "model.fit({'a': x, 'b': x}, [y, y, y], verbose=0)",
    "fit: label out of range": CLASSES + "model.fit(x, y + 9, verbose=0)",
    "fit: negative label": CLASSES + "model.fit(x, y - 1, verbose=0)",
    "fit: labels of another shape": CLASSES + "model.fit(x, np.zeros([8, 4], 'int32'), verbose=0)",
    "fit: one-hot loss on labels": CLASSES + "model.compile('sgd', 'categorical_crossentropy')\nmodel.fit(x, y, verbose=0)",
    "fit: binary loss on another shape": CLASSES + "model.compile('sgd', 'binary_crossentropy')\nmodel.fit(x, y, verbose=0)",
    "evaluate: label out of range": CLASSES + "model.evaluate(x, y + 9, verbose=0)",
    "evaluate: different lengths": MODEL + "model.evaluate(x, y[:5], verbose=0)",
    "evaluate: wrong width": MODEL + "model.evaluate(x[:, :2], y, verbose=0)",
    "evaluate: unknown argument": MODEL + "model.evaluate(x, y, zz=1)",
    "predict: wrong width": MODEL + "model.predict(x[:, :2], verbose=0)",
    "predict: no data": MODEL + "model.predict(verbose=0)",
    "predict: empty arrays": MODEL + "model.predict(x[:0], verbose=0)",
    "predict: strings": MODEL + "model.predict(['a'], verbose=0)",
    "predict: batch size beside a dataset": MODEL + "model.predict(tf.data.Dataset.from_tensors(x), batch_size=2, verbose=0)",
    "train_on_batch: class and sample weights": MODEL + "model.train_on_batch(x, y, class_weight={0: 1.0}, sample_weight=np.ones([8]))",
    "train_on_batch: wrong width": MODEL + "model.train_on_batch(x[:, :2], y)",
    "train_on_batch: not compiled": "keras.Sequential([keras.layers.Dense(2)]).train_on_batch(np.ones([2, 3]), np.ones([2, 2]))",
    "fit: index out of range in an Embedding": """
model = keras.Sequential([keras.layers.Embedding(3, 2), keras.layers.Flatten(), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(np.full([4, 2], 7), np.ones([4, 1]), verbose=0)
""",
    "fit: own loss that raises": MODEL + "def broken(a, b):\n    raise KeyError('mine')\nmodel.compile('sgd', broken)\nmodel.fit(x, y, verbose=0)",
    "fit: own layer that raises": MODEL
    + "class Own(keras.layers.Layer):\n    def call(self, x):\n        return x @ x\nmodel.add(Own())\nmodel.fit(x, y, verbose=0)",
    "fit: assert in the run": MODEL
    + """
class Own(keras.layers.Layer):
    def call(self, x):
        tf.debugging.assert_less(x, 0.0)
        return x
model = keras.Sequential([Own()])
model.compile("sgd", "mse")
model.fit(x, x, verbose=0)
""",
    "fit: TerminateOnNaN is no error": MODEL + "model.fit(x * np.nan, y, callbacks=[keras.callbacks.TerminateOnNaN()], verbose=0)",
    # -- callbacks, losses, metrics, optimizers --
    "callback: EarlyStopping of an unknown metric": MODEL + "model.fit(x, y, callbacks=[keras.callbacks.EarlyStopping('zz')], verbose=0)",
    "callback: EarlyStopping of validation without any": MODEL + "model.fit(x, y, callbacks=[keras.callbacks.EarlyStopping('val_zz')], verbose=0)",
    "callback: EarlyStopping of val_loss without any": MODEL + "model.fit(x, y, callbacks=[keras.callbacks.EarlyStopping()], verbose=0)",
    "callback: EarlyStopping of an unknown metric, min": MODEL + "model.fit(x, y, callbacks=[keras.callbacks.EarlyStopping('zz', mode='min')], verbose=0)",
    "callback: EarlyStopping of an unknown mode": MODEL + "model.fit(x, y, callbacks=[keras.callbacks.EarlyStopping('loss', mode='zz')], verbose=0)",
    "callback: ReduceLROnPlateau of an unknown metric": MODEL + "model.fit(x, y, callbacks=[keras.callbacks.ReduceLROnPlateau('zz')], verbose=0)",
    "callback: ReduceLROnPlateau of an unknown metric, max": MODEL + "model.fit(x, y, callbacks=[keras.callbacks.ReduceLROnPlateau('zz', mode='max')], verbose=0)",
    "callback: ReduceLROnPlateau of a factor of one": "keras.callbacks.ReduceLROnPlateau(factor=1.0)",
    "callback: ModelCheckpoint of an unknown metric": MODEL
    + "model.fit(x, y, callbacks=[keras.callbacks.ModelCheckpoint(folder + '/a.weights.h5', 'zz', save_best_only=True, save_weights_only=True)], verbose=0)",
    "callback: ModelCheckpoint of a bad name": "keras.callbacks.ModelCheckpoint(folder + '/a.zz')",
    "callback: ModelCheckpoint of weights of a bad name": "keras.callbacks.ModelCheckpoint(folder + '/a.h5', save_weights_only=True)",
    "callback: ModelCheckpoint of a bad frequency": "keras.callbacks.ModelCheckpoint(folder + '/a.keras', save_freq='zz')",
    "callback: LearningRateScheduler of no float": MODEL + "model.fit(x, y, callbacks=[keras.callbacks.LearningRateScheduler(lambda e: 'a')], verbose=0)",
    "callback: CSVLogger into a missing folder": MODEL + "model.fit(x, y, callbacks=[keras.callbacks.CSVLogger(folder + '/none/log.csv')], verbose=0)",
    "callback: own that raises": MODEL
    + "class Own(keras.callbacks.Callback):\n    def on_epoch_end(self, epoch, logs=None):\n        raise KeyError('mine')\nmodel.fit(x, y, callbacks=[Own()], verbose=0)",
    "loss: sizes that do not broadcast": "keras.losses.MeanSquaredError()(np.ones([2, 3]), np.ones([2, 4]))",
    "loss: unknown reduction": "keras.losses.MeanSquaredError(reduction='zz')",
    "loss: unknown name": "keras.losses.get('zz')",
    "loss: of a wrong kind": "keras.losses.get(5)",
    "loss: one-hot of another shape": "keras.losses.CategoricalCrossentropy()(np.ones([2]), np.ones([2, 3]))",
    "loss: one-hot of other classes": "keras.losses.CategoricalCrossentropy()(np.ones([2, 4]), np.ones([2, 3]))",
    "loss: sparse of another shape": "keras.losses.SparseCategoricalCrossentropy()(np.ones([3]), np.ones([2, 3]))",
    "loss: sparse label out of range": "keras.losses.SparseCategoricalCrossentropy()(np.array([7]), np.ones([1, 3]))",
    "loss: weights of another shape": "keras.losses.MeanSquaredError()(np.ones([2, 3]), np.ones([2, 3]), sample_weight=np.ones([5]))",
    "loss: own without call": "keras.losses.Loss()(1.0, 2.0)",
    "metric: unknown name": "keras.metrics.get('zz')",
    "metric: sizes that do not fit": "keras.metrics.MeanSquaredError().update_state(np.ones([2, 3]), np.ones([2, 4]))",
    "metric: accuracy of other sizes": "keras.metrics.Accuracy().update_state(np.ones([2]), np.ones([3]))",
    "metric: threshold out of range": "keras.metrics.Precision(thresholds=1.5)",
    "metric: AUC of an unknown curve": "keras.metrics.AUC(curve='zz')",
    "metric: AUC of one threshold": "keras.metrics.AUC(num_thresholds=1)",
    "metric: AUC of predictions out of range": "keras.metrics.AUC().update_state([1.0], [2.0])",
    "metric: MeanIoU of labels out of range": "keras.metrics.MeanIoU(2).update_state([0, 5], [0, 1])",
    "metric: own without update_state": "keras.metrics.Metric().update_state(1)",
    "metric: TopK of a vector": "keras.metrics.TopKCategoricalAccuracy(2).update_state(np.ones([3]), np.ones([2, 3]))",
    "optimizer: unknown name": "keras.optimizers.get('zz')",
    "optimizer: unknown argument": "keras.optimizers.SGD(zz=1)",
    "optimizer: learning rate of a wrong kind": "keras.optimizers.SGD('a').build([])",
    "optimizer: gradients of None": "v = tf.Variable(1.0)\nkeras.optimizers.SGD().apply_gradients([(None, v)])",
    "optimizer: no gradients": "keras.optimizers.SGD().apply_gradients([])",
    "optimizer: unknown variable": """
v, w = tf.Variable(1.0), tf.Variable(1.0)
optimizer = keras.optimizers.Adam()
optimizer.apply_gradients([(tf.constant(1.0), v)])
optimizer.apply_gradients([(tf.constant(1.0), w)])
""",
    "optimizer: gradient of another shape": "v = tf.Variable([1.0, 2.0])\nkeras.optimizers.SGD().apply_gradients([(tf.constant([1.0, 2.0, 3.0]), v)])",
    "optimizer: clipnorm and clipvalue": "keras.optimizers.SGD(clipnorm=1.0, clipvalue=1.0)",
    "optimizer: momentum out of range": "keras.optimizers.SGD(momentum=2.0)",
    "optimizer: weight decay of a wrong kind": "keras.optimizers.AdamW(weight_decay=None)",
    "optimizer: ema momentum out of range": "keras.optimizers.SGD(use_ema=True, ema_momentum=2.0)",
    "optimizer: schedule of a wrong kind": "keras.optimizers.schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2])",
    "optimizer: setting the rate of a schedule": "optimizer = keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9))\noptimizer.learning_rate = 0.5",
    "initializer: unknown mode": "keras.initializers.VarianceScaling(mode='zz')",
    "initializer: negative scale": "keras.initializers.VarianceScaling(scale=-1.0)",
    "initializer: Orthogonal of a vector": "keras.initializers.Orthogonal()([3])",
    "initializer: Identity of a vector": "keras.initializers.Identity()([3])",
    "activation: unknown": "keras.activations.get('zz')",
    "utils: to_categorical of a label out of range": "keras.utils.to_categorical([5], 3)",
    "utils: pad_sequences of numbers": "keras.utils.pad_sequences([1, 2])",
    "utils: get_file of nothing": "keras.utils.get_file()",
    # -- files --
    "weights: file that is not there": MODEL + "model.load_weights(folder + '/none.weights.h5')",
    "weights: bad ending": MODEL + "model.save_weights(folder + '/a.zz')",
    "weights: bad ending to load": MODEL + "model.load_weights(folder + '/a.zz')",
    "weights: corrupt file": MODEL + "open(folder + '/a.weights.h5', 'wb').write(b'no HDF5')\nmodel.load_weights(folder + '/a.weights.h5')",
    "weights: truncated file": MODEL
    + """
path = folder + "/a.weights.h5"
model.save_weights(path)
data = open(path, "rb").read()
open(path, "wb").write(data[: len(data) // 2])
model.load_weights(path)
""",
    "weights: of another model": MODEL
    + "model.save_weights(folder + '/a.weights.h5')\nkeras.Sequential([keras.Input([3]), keras.layers.Dense(5)]).load_weights(folder + '/a.weights.h5')",
    "weights: of a model of more layers": MODEL
    + "model.save_weights(folder + '/a.weights.h5')\nkeras.Sequential([keras.Input([3]), keras.layers.Dense(2), keras.layers.Dense(2)]).load_weights(folder + '/a.weights.h5')",
    "weights: into a model that is not built": MODEL
    + "model.save_weights(folder + '/a.weights.h5')\nkeras.Sequential([keras.layers.Dense(2)]).load_weights(folder + '/a.weights.h5')",
    "weights: over a file without leave": MODEL
    + "model.save_weights(folder + '/none/a.weights.h5')",
    "save: bad ending": MODEL + "model.save(folder + '/a.zz')",
    "save: no ending": MODEL + "model.save(folder + '/a')",
    "load: file that is not there": "keras.models.load_model(folder + '/none.keras')",
    "load: corrupt file": "open(folder + '/a.keras', 'wb').write(b'no archive')\nkeras.models.load_model(folder + '/a.keras')",
    "load: truncated file": MODEL
    + """
path = folder + "/a.keras"
model.save(path)
data = open(path, "rb").read()
open(path, "wb").write(data[: len(data) // 2])
keras.models.load_model(path)
""",
    "load: unknown layer": """
class Own(keras.layers.Layer):
    def call(self, x):
        return x
model = keras.Sequential([keras.Input([3]), Own()])
model.save(folder + "/a.keras")
keras.models.load_model(folder + "/a.keras")
""",
    "load: lambda in safe mode": """
model = keras.Sequential([keras.Input([3]), keras.layers.Lambda(lambda x: x * 2)])
model.save(folder + "/a.keras")
keras.models.load_model(folder + "/a.keras")
""",
    "load: directory without a model": "keras.models.load_model(folder)",
    "load: json that is none": "keras.models.model_from_json('{')",
}


def run_program(tf: Any, name: str) -> Exception | None:
    """What the program raises."""
    source = PROGRAMS[name].lstrip("\n")
    file = f"<{name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)  # so that AutoGraph finds the source
    tf.keras.utils.set_random_seed(1)
    with tempfile.TemporaryDirectory() as folder:
        scope = {"tf": tf, "np": np, "keras": tf.keras, "folder": Path(folder).as_posix(), "__name__": "__main__"}
        try:
            exec(compile(source, file, "exec"), scope)
        except Exception as error:
            return error
    return None
