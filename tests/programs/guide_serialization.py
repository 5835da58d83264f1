"""Saving: whole models, weights alone, configs, custom objects, what survives the trip."""

import json
import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

keras.utils.clear_session()
keras.utils.set_random_seed(9)


@keras.saving.register_keras_serializable(package="MyLayers")
class Scaled(layers.Layer):
    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable(package="my_package", name="custom_fn")
def custom_fn(x):
    return x**2


class Holder(layers.Layer):
    """A layer with a sublayer and a config of objects."""

    def __init__(self, sublayer, **kwargs):
        super().__init__(**kwargs)
        self.sublayer = sublayer

    def call(self, x):
        return self.sublayer(x)

    def get_config(self):
        return {**super().get_config(), "sublayer": keras.saving.serialize_keras_object(self.sublayer)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("sublayer")), **config)


inputs = keras.Input((4,), name="inputs")
h = Scaled(0.5)(layers.Dense(3, activation=custom_fn)(inputs))
model = keras.Model(inputs, Holder(layers.Dense(1, name="inside"), name="holder")(h))
model.compile("adam", "mse", metrics=["mae"])
x = np.random.RandomState(0).rand(16, 4).astype("float32")
model.fit(x, x[:, :1], epochs=2, shuffle=False, verbose=0)
wanted = model.predict(x, verbose=0)
print("wanted", f"{wanted.mean():.5f}", f"{wanted.std():.5f}")

with tempfile.TemporaryDirectory() as folder:
    folder = Path(folder)
    model.save(folder / "m.keras")
    again = keras.models.load_model(folder / "m.keras", custom_objects={"Holder": Holder})
    print(
        "same", np.allclose(again.predict(x, verbose=0), wanted), int(again.optimizer.iterations), again.optimizer.name
    )
    again.fit(x, x[:, :1], epochs=1, shuffle=False, verbose=0)
    model.fit(x, x[:, :1], epochs=1, shuffle=False, verbose=0)
    print("goes on", np.allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6))
    model.save_weights(folder / "m.weights.h5")
    with keras.saving.custom_object_scope({"Holder": Holder}):
        fresh = keras.Model.from_config(json.loads(json.dumps(model.get_config())))
    fresh.load_weights(folder / "m.weights.h5")
    print("weights", np.allclose(fresh.predict(x, verbose=0), model.predict(x, verbose=0)))
    try:
        keras.models.load_model(folder / "m.keras")
    except TypeError as error:
        print("unknown", "Holder" in str(error))

config = keras.saving.serialize_keras_object(layers.Dense(3, activation="relu", kernel_regularizer="l1", name="d"))
print(
    "layer", config["class_name"], config["config"]["activation"], config["config"]["kernel_regularizer"]["class_name"]
)
print("object", type(keras.saving.deserialize_keras_object(config)).__name__, keras.saving.get_registered_name(Scaled))
sequence = keras.Sequential([keras.Input((2,)), layers.Dense(2), layers.Dropout(0.5)])
text = sequence.to_json()
print("json", len(json.loads(text)["config"]["layers"]), keras.models.model_from_json(text).output_shape)
print(
    "optimizer",
    keras.optimizers.deserialize(keras.optimizers.serialize(keras.optimizers.Adam(0.02))).get_config()["beta_1"],
)
print("ops", f"{float(ops.sum(custom_fn(np.arange(3.0)))):.1f}")
