"""Graphs as protocol buffers: what goes out comes in, and what cannot come in says why."""

import numpy as np
import pytest

import duoflow
from duoflow.formats.messages import GraphDef

tf = duoflow.compat.v1


def network(x):
    image = tf.nn.max_pool(tf.nn.relu(tf.nn.conv2d(x, np.ones((3, 3, 1, 2), "f"), [1, 1, 1, 1], "SAME")), 2, 2, "SAME")
    flat = tf.reshape(image, [-1, 8])
    p = tf.nn.softmax(tf.matmul(flat, np.linspace(-1, 1, 24).reshape(8, 3).astype("f")))
    parts = tf.split(tf.concat([p, tf.transpose(tf.transpose(p))], 1), [2, 4], 1)
    loop = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * 2.0), [0, tf.reduce_sum(parts[1], [1])])
    return tf.cond(tf.reduce_mean(x) > 0, lambda: loop[1], lambda: -loop[1])


def test_a_graph_survives_its_protocol_buffer():
    image = np.arange(32, dtype="f").reshape(2, 4, 4, 1)
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 4, 4, 1], name="x")
        tf.identity(network(x), name="y")
        expected = session.run("y:0", {"x:0": image})
        data = graph.as_graph_def(add_shapes=True).SerializeToString()
    with tf.Graph().as_default(), tf.Session() as session:
        definition = tf.GraphDef()
        definition.ParseFromString(data)
        (y,) = tf.import_graph_def(definition, return_elements=["y:0"])
        np.testing.assert_allclose(session.run(y, {"import/x:0": image}), expected)
        again = tf.import_graph_def(definition, {"x": tf.constant(image)}, ["y:0"], name="mapped")
        np.testing.assert_allclose(session.run(again[0]), expected)
        assert y.name == "import/y:0" and again[0].op.name == "mapped/y"


def test_variables_come_back_with_their_initializers():
    with tf.Graph().as_default() as graph:
        v = tf.get_variable("v", initializer=np.arange(3.0))
        tf.identity(v * 2, name="twice")
        init = tf.global_variables_initializer().name
        definition = graph.as_graph_def()
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(definition, name="")
        session.run(init)
        assert session.run("twice:0").tolist() == [0, 2, 4]


def test_freezing_puts_values_for_variables():
    with tf.Graph().as_default() as graph, tf.Session() as session:
        v = tf.get_variable("v", initializer=np.arange(3.0))
        tf.identity(v + 1, name="out")
        session.run(tf.global_variables_initializer())
        frozen = tf.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["out"])
    assert not {"VarHandleOp", "ReadVariableOp"} & {node.op for node in frozen.node}
    with tf.Graph().as_default(), tf.Session() as session:
        (out,) = tf.import_graph_def(frozen, return_elements=["out:0"])
        assert session.run(out).tolist() == [1, 2, 3]


def node(name, op, *inputs, **attr):
    return {"name": name, "op": op, "input": inputs, "attr": attr}


CONST = node("c", "Const", dtype={"type": 1}, value={"tensor": {"dtype": 1, "float_val": [1.0]}})
HUGE, FUNCTION = {"dim": [{"size": 1 << 50}]}, {"func": {"name": "f"}}
BAD = {
    "an unknown op": ([node("n", "NoSuchOp")], "Op type not registered 'NoSuchOp'"),
    "a cycle": ([node("a", "Identity", "b"), node("b", "Identity", "a")], "cycle through a, b"),
    "a loop on itself": ([node("a", "Identity", "a")], "cycle"),
    "an input that is not there": ([node("a", "Identity", "gone")], "'gone' is not in the GraphDef"),
    "an output that is not there": ([CONST, node("a", "Identity", "c:3")], "does not have"),
    "two nodes of one name": ([CONST, CONST], "defined twice"),
    "an invalid name": ([node("a b", "NoOp")], "not valid"),
    "an absurd size": (
        [node("c", "Const", dtype={"type": 1}, value={"tensor": {"dtype": 1, "tensor_shape": HUGE}})],
        "more elements",
    ),
    "a missing function": (
        [CONST, node("i", "StatelessIf", "c", then_branch=FUNCTION, else_branch=FUNCTION)],
        "not in the library",
    ),
    "a missing attribute": ([CONST, node("a", "MaxPool", "c")], "attributes .*ksize.* are missing"),
    "a Python object": ([CONST, node("q", "PyFunc", "c", call={"s": b"_python_object f"})], "Python object"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_bad_graphs_are_refused(what):
    nodes, message = BAD[what]
    kind = tf.errors.NotFoundError if what == "an unknown op" else ValueError
    with tf.Graph().as_default(), pytest.raises(kind, match=message):
        tf.import_graph_def(GraphDef(node=nodes))


def test_only_graph_defs_are_imported():
    with tf.Graph().as_default():
        with pytest.raises(TypeError, match="must be a GraphDef"):
            tf.import_graph_def("graph.pb")
        with pytest.raises(ValueError, match="not found in graph_def"):
            tf.import_graph_def(GraphDef(node=[CONST]), {"other": tf.constant(1.0)})


def test_import_has_its_names_in_tensorflow_2():
    assert tf.import_graph_def is tf.graph_util.import_graph_def is tf.compat.v1.import_graph_def
