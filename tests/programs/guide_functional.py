"""The functional API: a graph of layers, residual connections, shared layers, models as layers, an autoencoder."""

import keras
import numpy as np
from keras import layers, ops

keras.utils.clear_session()
keras.utils.set_random_seed(2)

encoder_input = keras.Input(shape=(14, 14, 1), name="img")
x = layers.Conv2D(8, 3, activation="relu")(encoder_input)
block = layers.MaxPooling2D(2)(x)
x = layers.Conv2D(8, 3, activation="relu", padding="same")(block)
x = layers.add([x, block])
encoder_output = layers.GlobalMaxPooling2D()(x)
encoder = keras.Model(encoder_input, encoder_output, name="encoder")

decoder_input = keras.Input(shape=(8,), name="encoded_img")
x = layers.Reshape((2, 2, 2))(decoder_input)
x = layers.Conv2DTranspose(4, 3, activation="relu")(x)
x = layers.UpSampling2D(3)(x)
decoder = keras.Model(decoder_input, layers.Conv2DTranspose(1, 3, activation="relu")(x), name="decoder")

autoencoder_input = keras.Input(shape=(14, 14, 1))
autoencoder = keras.Model(autoencoder_input, decoder(encoder(autoencoder_input)), name="autoencoder")
print("shapes", encoder.output_shape, decoder.output_shape, autoencoder.count_params())
print("layers", [layer.name for layer in autoencoder.layers], [type(layer).__name__ for layer in encoder.layers])
images = np.random.RandomState(0).rand(4, 14, 14, 1).astype("float32")
codes = encoder.predict(images, verbose=0)
print("codes", codes.shape, f"{codes.mean():.5f}", f"{autoencoder.predict(images, verbose=0).std():.6f}")


def member():
    inputs = keras.Input(shape=(16,))
    return keras.Model(inputs, layers.Dense(1)(inputs))


inputs = keras.Input(shape=(16,))
ensemble = keras.Model(inputs, layers.average([member()(inputs) for _ in range(3)]))
print("ensemble", f"{float(ops.sum(ensemble(np.ones((2, 16), 'float32')))):.5f}")

shared = layers.Embedding(50, 6)
a, b = keras.Input(shape=(None,), dtype="int32"), keras.Input(shape=(None,), dtype="int32")
both = keras.Model([a, b], ops.matmul(shared(a), ops.transpose(shared(b), (0, 2, 1))))
out = both([np.arange(6).reshape(2, 3), np.arange(8).reshape(2, 4)])
print("shared", out.shape, len(both.weights), f"{float(ops.max(out)):.6f}")
copy = keras.Model.from_config(both.get_config())
copy.set_weights(both.get_weights())
print("config", np.allclose(copy([np.arange(6).reshape(2, 3), np.arange(8).reshape(2, 4)]), out))
