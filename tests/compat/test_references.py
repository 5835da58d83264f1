"""Graphs of TensorFlow 1's reference variables, as its `.meta` files have them, run and train on here as there."""

import json
from pathlib import Path

import numpy as np
import pytest

import duoflow
from duoflow.compat.v1.references import without_references
from tests.golden import record_references as recorder

tf = duoflow.compat.v1
FOLDER = Path(recorder.__file__).parent / "references"
RECORDED = json.loads((FOLDER / "values.json").read_text(encoding="utf-8"))
PREFIX = str(FOLDER / "m")


@pytest.mark.slow
def test_same_as_tensorflow():
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph(f"{PREFIX}.meta")
        found = recorder.outcomes(session, lambda: saver.restore(session, PREFIX))
    assert list(found) == list(RECORDED)
    for name, values in RECORDED.items():
        for ours, theirs in (
            zip(found[name], values, strict=True) if isinstance(values, list) else [(found[name], values)]
        ):
            np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=1e-7, err_msg=name)


def test_variables_are_those_of_the_file():
    with tf.Graph().as_default() as graph, tf.Session() as session:
        saver = tf.train.import_meta_graph(f"{PREFIX}.meta", import_scope="old")
        assert [v.name for v in tf.trainable_variables()] == [f"old/{name}" for name in recorder.VARIABLES]
        assert [t.name for t in tf.get_collection("outputs")] == ["old/predicted:0"]
        with pytest.raises(tf.errors.FailedPreconditionError):
            session.run("old/w:0")
        session.run(tf.global_variables_initializer())
        assert session.run("old/w:0").ravel().tolist() == [0.5, -1.0, 2.0]
        saver.restore(session, PREFIX)
        predicted = session.run("old/predicted:0", {"old/x:0": recorder.FEEDS["x:0"]})
        np.testing.assert_allclose(predicted, RECORDED["predicted"], rtol=1e-6)
        assert graph.get_tensor_by_name("old/w/read:0").op.type == "ReadVariableOp"


def test_graphs_without_references_stay_as_they_are():
    with tf.Graph().as_default() as graph:
        tf.get_variable("w", [2])
        definition = graph.as_graph_def()
    assert without_references(definition) is definition


def test_what_is_written_must_be_a_variable():
    definition = tf.GraphDef()
    definition.node.add(name="v", op="VariableV2")
    definition.node.add(name="c", op="Const")
    definition.node.add(name="a", op="Assign").input.extend(["c", "c"])
    with pytest.raises(ValueError, match="writes what is not a variable"):
        without_references(definition)
