"""ONNX files: their structure. record_onnx.py beside this file runs them with onnxruntime."""

import numpy as np
import pytest

import duoflow as tf
from duoflow.formats.onnx_messages import ModelProto
from duoflow.onnx.export import model_of

from .models import MODELS


def graph_of(function, *specs):
    return model_of(tf.function(function, input_signature=list(specs)).get_concrete_function()).graph


def ops(graph):
    """The operators of a graph and of the graphs inside it."""
    inner = [op for node in graph.node for a in node.attribute if a.type == a.kind_graph for op in ops(a.g)]
    return [node.op_type for node in graph.node] + inner


def check(graph, known=frozenset()):
    """Every value is made once, before it is used."""
    made = set(known) | {i.name for i in graph.input} | {i.name for i in graph.initializer}
    for node in graph.node:
        assert not [name for name in node.input if name and name not in made], node.name
        for attribute in node.attribute:
            if attribute.type == attribute.kind_graph:
                check(attribute.g, made)
        assert not made & set(node.output)
        made |= set(node.output)
    assert {o.name for o in graph.output} <= made


EXPECTED = {
    "mlp": {"MatMul", "Erf"}, "cnn": {"Conv", "MaxPool", "ReduceMean", "Softmax"}, "lstm": {"Loop", "Split", "Tanh"},
    "gru": {"Loop", "Slice", "Where"}, "transformer": {"Einsum", "Softmax", "ReduceMean"},
    "upscale": {"ConvTranspose", "Resize", "AveragePool", "Pad"},
}  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_keras_models(name, tmp_path):
    model, x = MODELS[name]()
    model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    proto = ModelProto.FromString((tmp_path / "model.onnx").read_bytes())
    assert proto.opset_import[0].version == 18 and proto.ir_version == 8
    check(proto.graph)
    assert set(ops(proto.graph)) >= EXPECTED[name]
    (given,) = proto.graph.input
    dims = given.type.tensor_type.shape.dim
    assert dims[0].dim_param == "batch" and len(dims) == x.ndim
    assert [o.name for o in proto.graph.output] == ["output_0"]
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]


def test_what_depends_on_weights_alone_is_computed_when_exporting():
    model, _ = MODELS["cnn"]()
    graph = graph_of(model.__call__, tf.TensorSpec([None, 12, 12, 3]))
    assert not {"Rsqrt", "Sqrt", "Reciprocal"} & set(ops(graph))


def test_names_are_those_of_arguments_and_results():
    @tf.function(input_signature=[tf.TensorSpec([None], name="left"), tf.TensorSpec([None], name="right")])
    def f(left, right):
        return {"sum": left + right, "product": left * right}

    graph = model_of(f.get_concrete_function()).graph
    assert [i.name for i in graph.input] == ["left", "right"]
    assert [o.name for o in graph.output] == ["product", "sum"]


def test_branches():
    graph = graph_of(lambda x: tf.cond(x[0] > 0, lambda: x * 2.0, lambda: x + w), tf.TensorSpec([3]))
    check(graph)
    assert {"If", "Mul", "Add"} <= set(ops(graph))


w = tf.constant(np.ones(3, "f"))


def test_ops_without_a_counterpart_are_named_with_their_layer_and_line(tmp_path):
    inputs = tf.keras.Input((4,))
    layer = tf.keras.layers.Lambda(lambda x: tf.math.lgamma(x) + 1.0, name="stirling")
    model = tf.keras.Model(inputs, layer(inputs))
    with pytest.raises(NotImplementedError, match=r"(?s)Op Lgamma in layer '.*stirling.*' .*test_onnx\.py"):
        model.export(tmp_path / "model.onnx", format="onnx")
    assert not list(tmp_path.iterdir())


def test_lists_that_loops_use_otherwise_are_refused():
    def f(n):
        items = tf.TensorArray(tf.float32, n, clear_after_read=False).write(0, 1.0)
        items = tf.while_loop(
            lambda i, items: i < n, lambda i, items: (i + 1, items.write(i, items.read(i - 1) * 2.0)), [1, items]
        )[1]
        return items.stack()

    with pytest.raises(NotImplementedError, match="append one row"):
        graph_of(f, tf.TensorSpec([], tf.int32))


def test_versions():
    f = tf.function(lambda x: x, input_signature=[tf.TensorSpec([])]).get_concrete_function()
    assert model_of(f, 21).opset_import[0].version == 21
    with pytest.raises(ValueError, match="18 to 23"):
        model_of(f, 9)
