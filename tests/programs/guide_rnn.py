"""Recurrent networks: layers, states, cells of one's own, both directions, nested structures, sequence to sequence."""

import keras
import numpy as np
from keras import layers, ops

keras.utils.clear_session()
keras.utils.set_random_seed(11)
rng = np.random.RandomState(0)
x = rng.rand(4, 6, 3).astype("float32")


def show(title, value):
    print(title, tuple(value.shape), np.round(np.ravel(ops.convert_to_numpy(value))[:4], 5))


for cls in (layers.SimpleRNN, layers.GRU, layers.LSTM):
    show(cls.__name__, cls(5)(x))
    show(cls.__name__, cls(5, return_sequences=True, go_backwards=True)(x))

whole, h, c = layers.LSTM(4, return_sequences=True, return_state=True)(x)
show("state", h)
print("last", np.allclose(whole[:, -1], h))

encoder_in, decoder_in = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
_, h, c = layers.LSTM(8, return_state=True, name="encoder")(layers.Embedding(20, 6)(encoder_in))
decoded = layers.LSTM(8, name="decoder")(layers.Embedding(15, 6)(decoder_in), initial_state=[h, c])
model = keras.Model([encoder_in, decoder_in], layers.Dense(5)(decoded))
show("seq2seq", model([np.arange(8).reshape(2, 4), np.arange(6).reshape(2, 3)]))

stateful = layers.LSTM(4, stateful=True)
parts = [stateful(x[:, :3]), stateful(x[:, 3:])]
show("stateful", parts[1])
stateful.reset_state()
print("again", np.allclose(stateful(x[:, :3]), parts[0], atol=1e-6))

model = keras.Sequential(
    [
        keras.Input((6, 3)),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
        layers.Bidirectional(layers.GRU(3)),
        layers.Dense(2),
    ]
)
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
print(
    "fit",
    [f"{v:.5f}" for v in model.fit(x, np.array([0, 1, 1, 0]), epochs=3, verbose=0, shuffle=False).history["loss"]],
)


class Minimal(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), initializer="uniform", name="kernel")
        self.recurrent = self.add_weight(shape=(self.units, self.units), initializer="uniform", name="recurrent")

    def call(self, inputs, states):
        output = ops.tanh(ops.matmul(inputs, self.kernel) + ops.matmul(states[0], self.recurrent))
        return output, [output]


show("cell", layers.RNN(Minimal(5))(x))
show("stacked", layers.RNN([Minimal(5), layers.GRUCell(3), layers.LSTMCell(2)], return_sequences=True)(x))
show("dropout off", layers.LSTM(3, dropout=0.5, recurrent_dropout=0.5)(x))
lstm = layers.LSTM(3, unroll=True)
show("unrolled", lstm(x))
show("films", layers.ConvLSTM2D(2, 2)(rng.rand(1, 3, 4, 4, 1).astype("float32")))
