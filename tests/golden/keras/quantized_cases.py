"""Quantization and low-rank adaptation: functions, layers in every mode, models in training; the same under Keras."""

import itertools

import numpy as np


def wave(*shape):
    """Numbers that any program can make."""
    return np.sin(np.arange(int(np.prod(shape)), dtype="float32") * 1.37 + len(shape)).reshape(shape)


#: Expressions over `q`, which is keras.quantizers, `np`, and a matrix `w`.
FUNCTIONS = [
    "q.abs_max_quantize(w, 0)", "q.abs_max_quantize(w, (0, 1), (-8, 7), 'int8', 1e-3, True)",
    "q.abs_max_quantize_grouped_with_zero_point(w, 3)", "q.abs_max_quantize_grouped_with_zero_point(w, 7, to_numpy=True)",
    "q.pack_int4(np.array([[-3, 7], [2, -8], [1, 0]], 'int8'))",
    "q.pack_int4(np.array([[3, 15], [2, 8], [1, 0]], 'uint8'), 1, 'uint8')",
    "q.unpack_int4(np.arange(-12, 12).astype('int8').reshape(2, 3, 4), 5, 1)",
    "q.unpack_int4(np.arange(200, 224).astype('uint8').reshape(2, 3, 4), 7, -1, 'uint8')",
    "q.compute_float8_scale(np.float32(3), np.float32(2), 448.0)",
    "q.compute_float8_scale(np.float32(0), np.float32(2), 448.0, 1)",
    "q.compute_float8_amax_history(w, np.arange(5, dtype='float32'))",
    "q.quantize_and_dequantize(w * 1000, np.float32(0.7), 'float8_e4m3fn', 'float32')",
    "q.quantize_and_dequantize(w * 100000, np.float32(0.7), 'float8_e5m2', 'float32')",
    *(f"q.fake_quant_with_min_max_vars(w * 2, -0.9, 1.3, {b}, {n})" for b in (2, 4, 8) for n in (False, True)),
    "q.fake_quant_with_min_max_vars(w, -np.arange(1, 8, dtype='float32') / 7, np.arange(1, 8, dtype='float32') / 5, 4, axis=0)",
    "q.AbsMaxQuantizer((0, 1), (-8, 7))(w)",
]  # fmt: skip

#: A layer, and its inputs: floats of a shape, or indices.
LAYERS = {
    "dense": ("Dense(5, activation='tanh', name='d')", wave(4, 6)),
    "dense of sequences": ("Dense(5, use_bias=False, name='d')", wave(2, 3, 6)),
    "einsum": ("EinsumDense('abc,cd->abd', output_shape=(None, 5), bias_axes='d', name='d')", wave(2, 3, 6)),
    "einsum to heads": (
        "EinsumDense('abc,cde->abde', output_shape=(None, 2, 5), bias_axes='de', activation='relu', name='d')", wave(2, 3, 6)
    ),
    "einsum of heads": ("EinsumDense('abcd,cde->abe', output_shape=(None, 5), name='d')", wave(2, 3, 4, 3)),
    "einsum turned": ("EinsumDense('abc,dc->adb', output_shape=(5, None), name='d')", wave(2, 3, 6)),
    "einsum of steps": ("EinsumDense('abc,bcd->abd', output_shape=(3, 5), name='d')", wave(2, 3, 6)),
    "embedding": ("Embedding(7, 5, name='d')", np.array([[1, 2, 0], [4, 3, 3]])),
    "tied": ("ReversibleEmbedding(7, 5, name='d')", np.array([[1, 2, 0], [4, 3, 3]])),
    "untied": (
        "ReversibleEmbedding(7, 5, tie_weights=False, logit_soft_cap=2.0, name='d')", np.array([[1, 2, 0], [4, 3, 3]])
    ),
}  # fmt: skip
CONFIGS = {
    "int8": "Int8QuantizationConfig()", "int8 weights": "Int8QuantizationConfig(activation_quantizer=None)",
    "int4": "Int4QuantizationConfig()", "int4 channels": "Int4QuantizationConfig(block_size=-1)",
    "int4 blocks": "Int4QuantizationConfig(block_size=2)",
    "int4 inputs": "Int4QuantizationConfig(activation_quantizer=AbsMaxQuantizer(), block_size=None)",
}  # fmt: skip
#: Keras cannot adapt a kernel whose last axis is summed over.
CASES = {
    f"{layer}, {config}{', adapted' * adapted}": (layer, config, adapted)
    for layer, config, adapted in itertools.product(LAYERS, [*CONFIGS, None], (False, True))
    if (config or adapted) and not (adapted and (config in ("int8 weights", "int4 inputs") or layer == "einsum turned"))
}
CONVOLUTIONS = {
    "Conv1D(4, 2, name='d')": wave(2, 5, 3), "Conv2D(4, 2, groups=2, name='d')": wave(2, 5, 5, 2),
    "Conv3D(2, 2, name='d')": wave(1, 3, 3, 3, 2),
}  # fmt: skip


def plain(x):
    """Structures of arrays as lists of rounded numbers, dtypes first."""
    if isinstance(x, list | tuple):
        return [plain(v) for v in x]
    if x is None or isinstance(x, str | bool | int):
        return x
    array = np.asarray(x)
    return [array.dtype.name, *(float(f"{v:.8g}") for v in array.astype("float64").reshape(-1))]


def fill(layer):
    for i, variable in enumerate(layer.weights):
        variable.assign(wave(*variable.shape) * (1 + i / 3))


def adapt(layer):
    layer.enable_lora(2, lora_alpha=3.0)
    for variable in layer.weights:
        if "lora" in variable.path:
            variable.assign(wave(*variable.shape) * 0.3)


def layer_of(keras, case):
    """The layer of a case, quantized and adapted."""
    name, config, adapted = CASES[case]
    text, inputs = LAYERS[name]
    layer = eval(f"layers.{text}", {"layers": keras.layers})
    layer(inputs)
    fill(layer)
    if config:
        layer.quantize(config=eval(CONFIGS[config], vars(keras.quantizers)))
    if adapted:
        adapt(layer)
    return layer, inputs


def facts(keras, case):
    """What a layer has, gives and saves."""
    layer, inputs = layer_of(keras, case)
    store = {}
    layer.save_own_variables(store)
    found = {
        "weights": [[v.path, list(v.shape), v.dtype, v.trainable] for v in layer.weights],
        "policy": layer.dtype_policy.name, "values": plain([v.numpy() for v in layer.weights]),
        "output": plain(layer(inputs)), "saved": {key: plain(value) for key, value in store.items()},
    }  # fmt: skip
    if "Reversible" in LAYERS[CASES[case][0]][0]:
        found["reverse"] = plain(layer(wave(2, 3, 5), reverse=True))
    return found


def convolved(keras, text):
    """What an adapted convolution gives and saves."""
    layer = eval(f"layers.{text}", {"layers": keras.layers})
    layer(CONVOLUTIONS[text])
    fill(layer)
    adapt(layer)
    store = {}
    layer.save_own_variables(store)
    return {"output": plain(layer(CONVOLUTIONS[text])), "saved": {key: plain(value) for key, value in store.items()}}


TOKENS = np.array([[1, 2, 0], [4, 3, 3]])
TRAININGS = {
    "float8": ("float8", False, "Adam(0.01)"), "float8 with averages": ("float8", False, "Adam(0.01, use_ema=True)"),
    "float8, clipped": ("float8", False, "SGD(0.01, momentum=0.9, clipnorm=1.0)"),
    "adapted": (None, True, "Adam(0.01)"), "int8, adapted": ("int8", True, "Adam(0.01)"),
}  # fmt: skip


def model(keras):
    layers = keras.layers
    net = keras.Sequential([
        keras.Input((3,), dtype="int32"), layers.Embedding(7, 6, name="e"), layers.Dense(8, activation="relu", name="a"),
        layers.Flatten(), layers.Dense(4, name="b"), layers.LayerNormalization(name="ln"),
    ], name="m")  # fmt: skip
    for i, variable in enumerate(net.weights):
        variable.assign(wave(*variable.shape) * (1 + i / 5))
    return net


def trained(keras, name):
    """Losses of four steps, the optimizer's variables and the weights behind them."""
    mode, adapted, optimizer = TRAININGS[name]
    net = model(keras)
    if mode:
        net.quantize(mode)
    if adapted:
        for layer in "eab":
            adapt(net.get_layer(layer))
    net.compile(eval(optimizer, vars(keras.optimizers)), "mse")
    losses = [float(net.train_on_batch(TOKENS, wave(2, 4))) for _ in range(4)]
    slots = [[v.path, list(v.shape)] for v in net.optimizer.variables]
    # Of the long histories of magnitudes, what is not zero yet.
    weights = [v.numpy().reshape(-1)[:40] for v in net.weights]
    return {"losses": losses, "slots": slots, "weights": plain(weights)}


FILES = {"int8": "int8", "int4": "int4", "float8": "float8"}


def file_model(keras):
    """A model of every layer that can be quantized."""
    layers = keras.layers
    start = keras.Input((3,), dtype="int32")
    table = layers.ReversibleEmbedding(7, 6, tie_weights=False, name="e")
    x = layers.EinsumDense("abc,cd->abd", (3, 8), bias_axes="d", activation="relu", name="ed")(table(start))
    x = layers.Flatten()(table(layers.Dense(6, name="p")(x), reverse=True))
    net = keras.Model(start, layers.Dense(4, name="b")(x))
    for i, variable in enumerate(net.weights):
        variable.assign(wave(*variable.shape) * (0.5 + i / 9))
    return net
