"""`tf.compat.v1.saved_model`: graphs and sessions as SavedModels, and SavedModels into sessions."""

from pathlib import Path

import numpy as np
import pytest

import duoflow

tf = duoflow.compat.v1
X = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)
GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "saved_models"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model of TensorFlow 1 and what it computes of X."""
    folder = tmp_path_factory.mktemp("v1")
    (folder / "words.txt").write_text("one")
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        with tf.variable_scope("net"):
            w = tf.get_variable("w", [3, 2], initializer=tf.ones_initializer())
            b = tf.get_variable("b", initializer=np.zeros(2, "f"))
        y = tf.nn.softmax(tf.matmul(x, w) + b, name="y")
        loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.zeros_like(y), logits=y, name="loss")
        words = tf.constant(str(folder / "words.txt"), name="words")
        session.run(tf.global_variables_initializer())
        session.run(b.assign([1.0, 2.0]))
        builder = tf.saved_model.Builder(str(folder / "model"))
        signature = tf.saved_model.predict_signature_def({"x": x}, {"y": y})
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": signature}, assets_list=[words], init_op=tf.no_op("init")
        )
        builder.add_meta_graph(["train"])
        builder.save()
        return folder / "model", session.run([y, loss], {x: X})


def test_a_session_loads_it(saved):
    folder, expected = saved
    with tf.Graph().as_default(), tf.Session() as session:
        meta = tf.saved_model.loader.load(session, [tf.saved_model.tag_constants.SERVING], str(folder))
        found = session.run(["y:0", "loss:0"], {"x:0": X})
        np.testing.assert_allclose(found[0], expected[0])
        np.testing.assert_allclose(found[1], expected[1])
        assert [v.name for v in tf.global_variables()] == ["net/w:0", "net/b:0"]
        assert session.run("words:0") == str(folder / "assets" / "words.txt").encode()
    assert tf.saved_model.is_valid_signature(meta.signature_def["serving_default"])


def test_a_session_loads_it_under_a_name(saved):
    folder, expected = saved
    with tf.Graph().as_default(), tf.Session() as session:
        tf.saved_model.load(session, ["train"], str(folder), import_scope="old")
        np.testing.assert_allclose(session.run("old/y:0", {"old/x:0": X}), expected[0])


def test_it_is_a_function_in_tensorflow_2(saved):
    folder, expected = saved
    loaded = duoflow.saved_model.load(str(folder), tags=["serve"])
    found = loaded.signatures["serving_default"](x=duoflow.constant(X))
    np.testing.assert_allclose(found["y"].numpy(), expected[0])
    assert [v.name for v in loaded.variables] == ["net/w:0", "net/b:0"]


def test_a_session_loads_what_objects_were_saved_in():
    with tf.Graph().as_default(), tf.Session() as session:
        meta = tf.saved_model.load(session, ["serve"], str(GOLDEN / "module"))
        signature = meta.signature_def["serving_default"]
        found = session.run(signature.outputs["rows"].name, {signature.inputs["x"].name: X})
        assert found == 2


def test_simple_save_and_what_it_refuses(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [], name="x")
        tf.saved_model.simple_save(session, str(tmp_path / "model"), {"x": x}, {"y": x + 1.0})
        with pytest.raises(AssertionError, match="isn't empty"):
            tf.saved_model.Builder(str(tmp_path / "model"))
        with pytest.raises(ValueError, match="cannot be None or empty"):
            tf.saved_model.predict_signature_def({}, {"y": x})
        with pytest.raises(ValueError, match="type string"):
            tf.saved_model.regression_signature_def(x, x)
        with pytest.raises(AssertionError, match="has not been saved yet"):
            tf.saved_model.Builder(str(tmp_path / "other")).add_meta_graph(["serve"])
    assert float(duoflow.saved_model.load(str(tmp_path / "model")).signatures["serving_default"](
        x=duoflow.constant(2.0))["y"]) == 3.0  # fmt: skip


def test_an_estimator_is_exported(tmp_path):
    def model(features, labels, mode):
        predictions = tf.layers.dense(features["x"], 1, name="dense")
        if mode == tf.estimator.ModeKeys.PREDICT:
            return tf.estimator.EstimatorSpec(mode, predictions={"y": predictions})
        loss = tf.losses.mean_squared_error(labels, predictions)
        step = tf.train.GradientDescentOptimizer(0.1).minimize(loss, tf.train.get_global_step())
        return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=step)

    estimator = tf.estimator.Estimator(model, model_dir=str(tmp_path / "trained"))
    receive = tf.estimator.export.build_raw_serving_input_receiver_fn({"x": duoflow.constant(X)})
    with pytest.raises(ValueError, match="Couldn't find trained model"):
        estimator.export_saved_model(str(tmp_path / "served"), receive)
    estimator.train(tf.estimator.inputs.numpy_input_fn({"x": X}, X[:, :1], shuffle=False, num_epochs=2))
    folder = estimator.export_saved_model(str(tmp_path / "served"), receive)
    given = tf.estimator.inputs.numpy_input_fn({"x": X}, shuffle=False)
    expected = [p["y"] for p in estimator.predict(given)]
    served = duoflow.saved_model.load(folder.decode()).signatures["serving_default"](x=duoflow.constant(X))
    np.testing.assert_allclose(served["y"].numpy(), expected, rtol=1e-5)
