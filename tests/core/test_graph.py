"""Graphs: names, captures, static values, the printer and the checker."""

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.check import GraphError, check_graph
from duoflow.core.printer import show_graph


@pytest.fixture
def graph():
    """An empty graph, entered."""
    g = tf.Graph()
    with g.as_default():
        yield g


def test_names_are_unique_as_in_tensorflow(graph):
    names = [tf.constant(1.0, name="c").op.name for _ in range(3)]
    with tf.name_scope("scope"):
        names.append(tf.constant(1.0, name="c").op.name)
    with tf.name_scope("scope"):
        names.append(tf.constant(1.0, name="c").op.name)
    assert names == ["c", "c_1", "c_2", "scope/c", "scope_1/c"]


def test_tensors_and_operations_are_found_by_name(graph):
    c = tf.constant(1.0, name="c")
    assert graph.get_tensor_by_name("c:0") is c and graph.get_operation_by_name("c") is c.op
    with pytest.raises(KeyError, match="not in the graph"):
        graph.get_operation_by_name("d")
    with pytest.raises(ValueError, match="op_name"):
        graph.get_tensor_by_name("c")


def test_shapes_flow_through_shape_arithmetic(graph):
    x = graph.placeholder(tf.float32, (None, 3))
    rows = tf.shape(x)[0]
    assert tf.reshape(x, [rows, 3, 1]).shape.as_list() == [None, 3, 1]
    assert tf.reshape(x, tf.concat([tf.shape(x), [1]], 0)).shape.as_list() == [None, 3, 1]
    assert tf.reshape(tf.zeros([4, 6]), [-1, 8]).shape == [3, 8]


def test_symbolic_tensors_have_no_value(graph):
    x = graph.placeholder(tf.float32, ())
    for use in (bool, list, len, float, np.asarray, lambda t: t.numpy()):
        with pytest.raises((TypeError, AttributeError, NotImplementedError)):
            use(x)


def test_the_message_names_the_line_that_made_the_tensor(graph):
    x = graph.placeholder(tf.float32, ())
    with pytest.raises(TypeError, match=r"test_graph\.py.*line"):
        bool(x > 1)


def test_errors_of_building_name_the_users_line(graph):
    x = graph.placeholder(tf.float32, (2, 3))
    with pytest.raises(ValueError, match=r"test_graph\.py"):
        tf.matmul(x, x)


def test_a_tensor_that_left_its_function_is_refused():
    kept = []

    @tf.function
    def leak(x):
        kept.append(x * 2)
        return x

    leak(tf.constant(1.0))
    with pytest.raises(TypeError, match="out of scope"):
        kept[0] + 1


def test_outside_tensors_are_captured_once():
    c = tf.constant([1.0, 2.0])
    concrete = tf.function(lambda: c + c * c).get_concrete_function()
    assert len(concrete.graph.external_captures) == 1


def test_the_printer_shows_every_node(graph):
    x = graph.placeholder(tf.float32, (2,), "x")
    tf.nn.relu(x * 2.0, name="out")
    text = show_graph(graph)
    assert "%out: float32[2] = Relu(%" in text and "Mul(%x" in text


def test_the_checker_finds_a_node_before_its_input(graph):
    a = tf.constant(1.0)
    b = a + 1.0
    check_graph(graph)
    graph.nodes.reverse()
    with pytest.raises(GraphError, match="not made before"):
        check_graph(graph)
    assert b.graph is graph


def test_a_finalized_graph_refuses_nodes(graph):
    graph.finalize()
    with pytest.raises(RuntimeError, match="finalized"):
        tf.constant(1.0)
