"""Small public functions: keras.tree, keras.config, keras.utils, keras.saving."""

import logging

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras
from duoflow.keras import config, tree, utils


def test_tree_goes_through_dicts_by_key_and_keeps_none():
    structure = {"b": [1, None], "a": (2, {"c": 3})}
    assert tree.flatten(structure) == [2, 3, 1, None]
    assert tree.flatten_with_path({"a": [5]}) == [(("a", 0), 5)]
    assert tree.is_nested([]) and not tree.is_nested(3)
    assert tree.map_structure(lambda x: x and x * 2, structure) == {"b": [2, None], "a": (4, {"c": 6})}
    assert tree.map_structure(lambda x: x * 2, [1, None], none_is_leaf=False) == [2, None]
    assert tree.pack_sequence_as(structure, [1, 2, 3, 4]) == {"b": [3, 4], "a": (1, {"c": 2})}
    assert tree.map_structure_up_to([0, 0], lambda x, y: (x, y), [1, [2, 3]], ["a", "b"]) == [(1, "a"), ([2, 3], "b")]
    assert tree.lists_to_tuples([1, [2, {"a": [3]}]]) == (1, (2, {"a": (3,)}))
    assert tree.map_shape_structure(len, {"x": (None, 3), "y": [(1, 2, 3)]}) == {"x": 2, "y": [3]}


def test_tree_traverses_from_the_top_or_the_bottom():
    seen = []
    tree.traverse(lambda x: seen.append(x), [1, [2]])
    assert seen == [[1, [2]], 1, [2], 2]
    assert tree.traverse(lambda x: tree.MAP_TO_NONE if x == 1 else None, [1, 2]) == [None, 2]
    assert tree.traverse(lambda x: sum(x) if isinstance(x, list) else None, [1, [2, 3]], top_down=False) == 6


def test_tree_tells_differences():
    tree.assert_same_structure([1, (2,)], [3, (4,)])
    tree.assert_same_paths([1, (2,)], (1, [2]))
    with pytest.raises(ValueError):
        tree.assert_same_structure([1], [1, 2])
    with pytest.raises(ValueError):
        tree.assert_same_paths({"a": 1}, {"b": 1})


def test_batches_are_packed_and_unpacked():
    assert utils.pack_x_y_sample_weight(3) == 3
    assert utils.pack_x_y_sample_weight([3]) == ([3],)
    assert utils.pack_x_y_sample_weight(1, 2, 3) == (1, 2, 3)
    assert utils.unpack_x_y_sample_weight(1) == (1, None, None)
    assert utils.unpack_x_y_sample_weight((1, 2, 3)) == (1, 2, 3)
    with pytest.raises(ValueError, match="found"):
        utils.unpack_x_y_sample_weight((1, 2, 3, 4))


def small_model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def test_trial_runs_are_bounded():
    config.set_max_epochs(2)
    config.set_max_steps_per_epoch(3)
    try:
        model = small_model()
        history = model.fit(np.ones((16, 2)), np.ones((16, 1)), batch_size=2, epochs=9, verbose=0)
        assert len(history.epoch) == config.max_epochs() == 2
        assert int(model.optimizer.iterations) == 2 * config.max_steps_per_epoch()
        assert model.predict(np.ones((16, 2)), batch_size=2, verbose=0).shape == (6, 1)
    finally:
        config.set_max_epochs(None)
        config.set_max_steps_per_epoch(None)
    with pytest.raises(ValueError, match="max_epochs"):
        config.set_max_epochs(0)


def test_progress_goes_to_the_log_if_asked(capsys, caplog):
    config.disable_interactive_logging()
    try:
        with caplog.at_level(logging.INFO, logger="tensorflow"):
            small_model().fit(np.ones((4, 2)), np.ones((4, 1)), verbose=2)
    finally:
        config.enable_interactive_logging()
    assert config.is_interactive_logging_enabled()
    assert "loss" not in capsys.readouterr().out
    assert "loss" in caplog.text


def test_settings_that_engines_need_not_ask_for():
    config.enable_flash_attention()
    assert config.is_flash_attention_enabled()
    config.disable_flash_attention()
    assert not config.is_flash_attention_enabled() and not config.is_nnx_enabled()
    config.set_backend("tensorflow")
    with pytest.raises(ValueError, match="backend"):
        config.set_backend("jax")


def test_a_drawing_tells_layers_and_connections(tmp_path):
    x = keras.Input((4,), name="x")
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, name="deep")], name="inner")
    a = keras.layers.Dense(3, activation="relu", name="a")(x)
    model = keras.Model(x, keras.layers.Add(name="sum")([a, inner(a)]))
    text = utils.model_to_dot(model, show_shapes=True, show_layer_activations=True).to_string()
    assert "a (Dense)" in text and "Activation: relu" in text and "Output shape: (None, 3)" in text
    assert text.count("->") == 4 and "deep" not in text
    assert "deep" in utils.model_to_dot(model, expand_nested=True).to_string()
    utils.plot_model(model, tmp_path / "model.dot")
    assert (tmp_path / "model.dot").read_text().startswith("digraph")
    with pytest.raises(ValueError, match="not yet been built"):
        utils.model_to_dot(keras.Sequential([keras.layers.Dense(1)]))


def test_weights_go_to_files_and_back(tmp_path):
    model, other = small_model(), small_model()
    keras.saving.save_weights(model, tmp_path / "m.weights.h5")
    keras.saving.load_weights(other, tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(model.get_weights()[0], other.get_weights()[0])


def test_functions_are_vectorized_over_leading_dimensions():
    product = keras.ops.vectorize(lambda m, v: tf.linalg.matvec(m, v), signature="(n,m),(m)->(n)")
    m, v = np.arange(12.0, dtype="float32").reshape(2, 3, 2), np.ones((2, 2), "float32")
    np.testing.assert_allclose(product(m, v), np.einsum("bnm,bm->bn", m, v))
    np.testing.assert_allclose(keras.ops.vectorize(lambda a, b: a * b)(np.arange(3, dtype="int32"), 2), [0, 2, 4])
    assert keras.ops.vectorize(lambda a, k: a * k, excluded={1})(np.arange(3), 3).numpy().tolist() == [0, 3, 6]


def test_functions_carry_values_along():
    with tf.GradientTape() as tape:
        x = tf.constant([1.0, 2.0, 3.0])
        tape.watch(x)
        last, all_of_them = keras.ops.scan(lambda c, a: (c * a, c), 1.0, x)
    np.testing.assert_allclose(tape.gradient(last, x), [6, 3, 2])
    assert all_of_them.numpy().tolist() == [1, 1, 2]
    counted, nothing = keras.ops.scan(lambda c, _: (c + 1, None), 0, length=4)
    assert int(counted) == 4 and nothing is None


def test_symbolic_tensors_go_through_the_newer_operations():
    x = keras.Input((6, 4))
    outputs = [
        keras.ops.quantile(x, 0.5, axis=1), keras.ops.nanmean(x, axis=-1), keras.ops.adaptive_max_pool(x, 3),
        keras.ops.rfft(x)[0], keras.ops.norm(x, axis=-1), keras.ops.rearrange(x, "b t c -> b (t c)"),
        keras.ops.solve(keras.ops.matmul(x, keras.ops.transpose(x, (0, 2, 1))) + np.eye(6, dtype="float32"), x),
    ]  # fmt: skip
    model = keras.Model(x, outputs)
    found = model(np.ones((2, 6, 4), "float32"))
    for symbolic, value in zip(outputs, found, strict=True):
        assert tuple(value.shape[1:]) == symbolic.shape[1:] and value.dtype.name == symbolic.dtype
