"""keras.distribution: meshes and layouts as Keras describes them, training on one device as without."""

import numpy as np
import pytest

from duoflow import keras

distribution = keras.distribution
EIGHT = [f"cpu:{i}" for i in range(8)]


@pytest.fixture(autouse=True)
def fresh():
    keras.utils.clear_session(free_memory=False)


def mesh():
    return distribution.DeviceMesh((4, 2), ["batch", "model"], EIGHT)


def losses():
    keras.utils.set_random_seed(5)
    net = keras.Sequential([
        keras.Input((3,)), keras.layers.Dense(6, "relu"), keras.layers.Dropout(0.2, seed=1), keras.layers.Dense(1),
    ])  # fmt: skip
    net.compile("adam", "mse")
    x = np.sin(np.arange(48, dtype="float32")).reshape(16, 3)
    return net.fit(x, x[:, :1], epochs=3, batch_size=4, verbose=0).history["loss"], net


def model_parallel():
    layouts = distribution.LayoutMap(distribution.DeviceMesh((1, 1), ["batch", "model"]))
    layouts[".*dense.*kernel"] = (None, "model")
    return distribution.ModelParallel(layout_map=layouts, batch_dim_name="batch")


@pytest.mark.parametrize("make", [distribution.DataParallel, model_parallel])
def test_training_on_one_device_is_training(make):
    chosen = make()
    with chosen.scope():
        assert distribution.distribution() is chosen
        found, net = losses()
    assert distribution.distribution() is None
    keras.utils.clear_session(free_memory=False)
    assert found == losses()[0]
    layouts = [chosen.get_variable_layout(v).axes for v in net.trainable_variables[:2]]
    assert layouts == [(None, "model" if make is model_parallel else None), (None,)]


def test_devices():
    assert distribution.list_devices() == distribution.list_devices("cpu") == ["cpu:0"]
    assert distribution.get_device_count() == 1 and distribution.get_device_count("gpu") == 0


def test_meshes_and_layouts_of_more_devices_can_be_described():
    assert repr(mesh()) == "<DeviceMesh shape=(4, 2), axis_names=['batch', 'model']>"
    assert mesh().devices.tolist() == [["cpu:0", "cpu:1"], ["cpu:2", "cpu:3"], ["cpu:4", "cpu:5"], ["cpu:6", "cpu:7"]]
    layouts = distribution.LayoutMap(mesh())
    layouts[".*kernel"] = (None, "model")
    chosen = distribution.ModelParallel(layout_map=layouts)
    kernel, bias = (keras.Variable(np.ones(shape), name=name) for shape, name in (((2, 4), "kernel"), (3, "bias")))
    assert chosen.get_variable_layout(kernel).axes == (None, "model")
    assert chosen.get_variable_layout(bias).axes == (None,)
    assert chosen.get_data_layout((None, 3, 2)).axes == ("batch", None, None)
    assert (chosen.num_model_replicas, chosen.num_processes, chosen.data_shard_id) == (4, 1, 0)
    assert chosen.get_tensor_layout("dense/kernel") is layouts[".*kernel"] and layouts["bias"] is None
    own = keras.Variable("ones", shape=(2, 4), name="kernel", layout=distribution.TensorLayout(("model", None)))
    assert chosen.get_variable_layout(own).axes == ("model", None)
    assert distribution.DataParallel(devices=EIGHT).num_model_replicas == 8


def test_more_devices_than_there_are_cannot_be_used():
    message = r"asks for 8 devices, .*there is 1, \['cpu:0'\].*mesh of shape \(1,\)"
    with pytest.raises(ValueError, match=message):
        distribution.set_distribution(distribution.DataParallel(devices=EIGHT))
    with pytest.raises(ValueError, match=message), distribution.DataParallel(devices=EIGHT).scope():
        pass
    with pytest.raises(ValueError, match="asks for 8 devices"):
        distribution.distribute_tensor(np.ones(4), distribution.TensorLayout(["model"], mesh()))
    with pytest.raises(ValueError, match="Shape does not match the number of devices"):
        distribution.DeviceMesh((8,), ["batch"])


def test_tensors_stay_as_they_are():
    layout = distribution.TensorLayout(["batch"], distribution.DeviceMesh((1,), ["batch"]))
    x, symbolic = np.ones(4), keras.Input((3,))
    assert distribution.distribute_tensor(x, layout) is x
    assert distribution.distribute_tensor(symbolic, layout) is symbolic


def test_one_process(monkeypatch):
    distribution.initialize()
    distribution.initialize("10.0.0.1:1234", 1, 0)
    with pytest.raises(ValueError, match="one process"):
        distribution.initialize(num_processes=2)
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "3")
    with pytest.raises(ValueError, match="num_processes=3"):
        distribution.initialize()


MISTAKES = {
    "cannot be empty": lambda: distribution.DeviceMesh((), []),
    "should have same size": lambda: distribution.DeviceMesh((2,), ["a", "b"]),
    "Invalid axis names": lambda: distribution.TensorLayout(["q"], mesh()),
    "Cannot override": lambda: setattr(distribution.TensorLayout(["batch"], mesh()), "device_mesh", mesh()),
    "should be a TensorLayout": lambda: distribution.LayoutMap(mesh()).update({"a": 3}),
    "already exist": lambda: distribution.LayoutMap(mesh()).update([("a", ("batch",)), ("a", ("model",))]),
    "specify a layout_map": lambda: distribution.ModelParallel(),
    "must be a `LayoutMap`": lambda: distribution.ModelParallel(layout_map={}),
    "instance of `DeviceMesh`": lambda: distribution.DataParallel(device_mesh=3),
    "device mesh is not set": lambda: distribution.distribute_tensor(1, distribution.TensorLayout(["a"])),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_mistakes(message):
    with pytest.raises(ValueError, match=message):
        MISTAKES[message]()


def test_a_path_matches_one_layout():
    layouts = distribution.LayoutMap(mesh())
    layouts["a.*"], layouts[".*b"] = ("batch",), ("model",)
    with pytest.raises(ValueError, match="matches multiple"):
        layouts["a/b"]


def test_meshes_of_several_axes_split_along_the_first():
    with pytest.warns(UserWarning, match="first axis will be used"):
        assert distribution.DataParallel(mesh()).batch_dim_name == "batch"
