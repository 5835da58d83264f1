"""SavedModels: what goes out comes in, what TensorFlow wrote comes in, and what cannot be written or read says why."""

import json
from pathlib import Path

import numpy as np
import pytest

import duoflow as tf
from duoflow.saved_model.files import read_saved_model

from .models import Everything, X

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "saved_models"
VALUES = json.loads((GOLDEN / "values.json").read_text())


def lists(values):
    return tf.nest.map_structure(lambda t: t.numpy().tolist(), values)


def close(found, expected):
    for a, b in zip(tf.nest.flatten(lists(found)), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A module, and the folder it was saved in after its functions were called."""
    folder = tmp_path_factory.mktemp("saved")
    asset = folder / "words.txt"
    asset.write_text("one\ntwo\n")
    module = Everything(str(asset))
    module.climb(tf.constant(X))
    module.climb(tf.constant(X), 2, double=True)
    tf.saved_model.save(module, folder / "model", signatures={"serving_default": module.__call__, "rows": module.rows})
    return module, folder / "model"


# -- ours --------------------------------------------------------------------------------------------------------------


def test_functions_come_back_without_their_python_code(saved):
    module, folder = saved
    loaded = tf.saved_model.load(folder)
    close(loaded(tf.constant(X)), lists(module(tf.constant(X))))
    close(loaded.climb(tf.constant(X)), lists(module.climb(tf.constant(X))))
    close(loaded.climb(tf.constant(X) + 9, 2, double=True), lists(module.climb(tf.constant(X) + 9, 2, double=True)))
    close(loaded.rows(5), lists(module.rows(5)))
    close(loaded.noise()[0], lists(module.noise()[0]))
    assert loaded.noise()[1].numpy().tolist() != loaded.noise()[1].numpy().tolist()


def test_variables_keep_values_names_and_whether_they_are_trained(saved):
    loaded = tf.saved_model.load(saved[1])
    assert loaded.w.numpy().tolist() == [[0, 1], [2, 3], [4, 5]] and loaded.w.name == "w:0" and loaded.w.trainable
    assert not loaded.calls.trainable and loaded.parts[1]["inner"].numpy().tolist() == [1, 2]
    before = int(loaded.calls)
    loaded(tf.constant(X))
    assert int(loaded.calls) == before + 1


def test_a_loaded_model_can_be_trained_and_saved_again(saved, tmp_path):
    loaded = tf.saved_model.load(saved[1])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(loaded(tf.constant(X))["y"])
    close(tape.gradient(loss, loaded.w), VALUES["gradient"])
    loaded.w.assign_sub(0.1 * np.ones((3, 2)))
    tf.saved_model.save(loaded, tmp_path / "again")
    close(tf.saved_model.load(tmp_path / "again").w, lists(loaded.w))


def test_signatures_take_names_and_give_names(saved):
    loaded = tf.saved_model.load(saved[1])
    assert sorted(loaded.signatures) == ["rows", "serving_default"]
    serve = loaded.signatures["serving_default"]
    assert serve.structured_input_signature == ((), {"x": tf.TensorSpec([None, 3], tf.float32, "x")})
    assert sorted(serve(x=tf.constant(X))) == ["rows", "y"]
    assert loaded.signatures["rows"](n=tf.constant(2))["output_0"].shape == (2, 2)


def test_assets_go_along(saved, tmp_path):
    loaded = tf.saved_model.load(saved[1])
    path = Path(loaded.path().numpy().decode())
    assert path.read_text() == "one\ntwo\n" and path.is_relative_to(saved[1])
    saved[1].rename(tmp_path / "moved")
    try:
        assert Path(tf.saved_model.load(tmp_path / "moved").path().numpy().decode()).is_relative_to(tmp_path)
    finally:
        (tmp_path / "moved").rename(saved[1])


def test_a_default_signature_is_found_where_there_is_one_function_that_can_be(tmp_path):
    module = tf.Module()
    module.f = tf.function(lambda x: x + 1, input_signature=[tf.TensorSpec([], tf.float32)])
    tf.saved_model.save(module, tmp_path / "one")
    assert list(tf.saved_model.load(tmp_path / "one").signatures) == ["serving_default"]
    module.g = tf.function(lambda x: x + 2, input_signature=[tf.TensorSpec([], tf.float32)])
    tf.saved_model.save(module, tmp_path / "two")
    assert not tf.saved_model.load(tmp_path / "two").signatures


def test_saving_again_replaces_what_was_there(tmp_path):
    module = tf.Module()
    for value in (1.0, 2.0):
        module.v = tf.Variable(value)
        tf.saved_model.save(module, tmp_path / "model")
        assert float(tf.saved_model.load(tmp_path / "model").v) == value
    assert [p.name for p in tmp_path.iterdir()] == ["model"] and tf.saved_model.contains_saved_model(tmp_path / "model")


def test_effects_of_a_function_are_ordered_and_kept(tmp_path):
    module = tf.Module()
    module.v = tf.Variable(1.0)

    @tf.function(input_signature=[])
    def step():
        before = module.v.read_value()
        module.v.assign(before * 3)
        module.v.assign_add(1.0)
        return before, module.v.read_value()

    module.step = step
    tf.saved_model.save(module, tmp_path / "model")
    function = next(f for f in read_saved_model(tmp_path / "model").meta_graphs[0].graph_def.library.function
                    if "step" in f.signature.name and "wrapper" not in f.signature.name)  # fmt: skip
    assert len(function.control_ret) == 2
    waits = {n.op: [i for i in n.input if i.startswith("^")] for n in function.node_def}
    assert waits["AssignVariableOp"] and waits["AssignAddVariableOp"] == ["^AssignVariableOp"]
    assert [float(v) for v in tf.saved_model.load(tmp_path / "model").step()] == [1.0, 4.0]


# -- TensorFlow's ------------------------------------------------------------------------------------------------------


def test_a_module_that_tensorflow_saved():
    loaded = tf.saved_model.load(GOLDEN / "module")
    close(loaded(tf.constant(X)), VALUES["y"])
    close(loaded.climb(tf.constant(X)), VALUES["climb"])
    close(loaded.climb(tf.constant(X) + 3, 2, double=True), VALUES["double"])
    close(loaded.rows(4), VALUES["rows"])
    assert Path(loaded.path().numpy().decode()).read_text() == "one\ntwo\n"
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(loaded.signatures["serving_default"](x=tf.constant(X))["y"])
    close(tape.gradient(loss, loaded.w), VALUES["gradient"])


def test_a_network_that_keras_exported():
    words = tf.constant([[1, 2, 3, 0], [4, 5, 0, 0]])
    loaded = tf.saved_model.load(GOLDEN / "keras")
    close(loaded.serve(words), VALUES["keras"])
    assert len(loaded.trainable_variables) == 11
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(loaded.serve(words)["p"][:, 0])
    assert all(g is not None for g in tape.gradient(loss, loaded.trainable_variables))


# -- errors ------------------------------------------------------------------------------------------------------------


def test_arguments_that_fit_no_trace(saved):
    loaded = tf.saved_model.load(saved[1])
    with pytest.raises(ValueError, match=r"(?s)Could not find matching concrete function.*Option 1"):
        loaded.climb(tf.constant([1, 2]))
    with pytest.raises(ValueError, match="Could not find matching"):
        loaded.climb(tf.constant(X), 7)


def untracked():
    hidden, module = tf.Variable(1.0), tf.Module()
    module.f = tf.function(lambda: hidden + 1, input_signature=[])
    return module


def with_python():
    module = tf.Module()
    module.f = tf.function(lambda x: tf.py_function(abs, [x], tf.float32), input_signature=[tf.TensorSpec([])])
    return module


UNSAVABLE = {
    "an object that is not trackable": (lambda: [tf.Variable(1.0)], ValueError, "Expected an object of type"),
    "a function of an untracked variable": (untracked, AssertionError, "untracked"),
    "a function that calls Python": (with_python, ValueError, r"(?s)EagerPyFunc.*Python object.*test_saved_model.py"),
}


@pytest.mark.parametrize("what", UNSAVABLE)
def test_what_cannot_be_saved(what, tmp_path):
    make, error, message = UNSAVABLE[what]
    with pytest.raises(error, match=message):
        tf.saved_model.save(make(), tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_signatures_that_are_none(tmp_path):
    module = Everything()
    for signatures, message in (
        (abs, "Expected a TensorFlow function"),
        (module.climb, "Only `tf.functions` with an input signature"),
        ({"__saved_model_init_op": module.rows}, "reserved"),
    ):
        with pytest.raises(ValueError, match=message):
            tf.saved_model.save(module, tmp_path / "model", signatures=signatures)


def test_tags_and_folders_that_are_not_there(saved, tmp_path):
    with pytest.raises(OSError, match="SavedModel file does not exist at"):
        tf.saved_model.load(tmp_path)
    with pytest.raises(RuntimeError, match=r"tags \['train'\] could not be found.*\[\['serve'\]\]"):
        tf.saved_model.load(saved[1], tags="train")
    assert not tf.saved_model.contains_saved_model(tmp_path)


def test_gradients_of_its_own_are_missed_aloud(tmp_path, caplog):
    @tf.custom_gradient
    def doubled(x):
        return tf.identity(x), lambda dy: 2.0 * dy

    module = tf.Module()
    module.plain = tf.function(lambda x: x * 2.0, input_signature=[tf.TensorSpec([], tf.float32)])
    tf.saved_model.save(module, str(tmp_path / "plain"))
    assert not caplog.records
    module.doubled = tf.function(doubled, input_signature=[tf.TensorSpec([], tf.float32)])
    tf.saved_model.save(module, str(tmp_path / "doubled"))
    assert "custom_gradient, which is not written" in caplog.text
