"""Records what Keras' layers do: config, weights, shapes, outputs, gradients and a training step, for weights and inputs that
are easy to make again. Gradients and trained weights are recorded as two numbers each (`shadow`).

Run with an interpreter that has TensorFlow and Keras 3: `python record_layers.py > layers.json`.
"""

import json
import math

import keras
import numpy as np
import tensorflow as tf
from layer_cases import (
    CASES,
    adapted,
    called,
    differentiable,
    filled,
    inputs_of,
    shadow,
    symbolic_inputs,
    trainable,
)


def plain(x):
    if isinstance(x, (tuple, list)):
        return [plain(v) for v in x]
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    return x


def rounded(x):
    x = np.asarray(x)
    if x.dtype.kind in "OSU":
        return [v.decode() if isinstance(v, bytes) else v for v in x.reshape(-1).tolist()]
    return [float(f"{v:.7g}") if math.isfinite(v) else str(v) for v in x.astype(np.float64).reshape(-1)]


def made(case):
    """A layer with its test weights, and what it gives symbolically."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(7)
    layer = adapted(eval(case["layer"], {"keras": keras, "layers": keras.layers}), case)
    symbolic_out = called(layer, case, symbolic_inputs(case, keras))
    if "adapt" not in case:
        layer.set_weights([filled(w.shape, i).astype(w.dtype) for i, w in enumerate(layer.weights)])
    return layer, symbolic_out


def record(case):
    layer, symbolic_out = made(case)
    out = called(layer, case, [tf.convert_to_tensor(x) for x in inputs_of(case)])
    flat = keras.tree.flatten(out)
    return {
        "config": plain(json.loads(json.dumps(layer.get_config()))) if not case.get("unsaved") else None,
        "weights": [[w.path, list(w.shape), w.dtype, w.trainable] for w in layer.weights],
        "symbolic": [[list(x.shape), x.dtype] for x in keras.tree.flatten(symbolic_out)],
        "shapes": [list(x.shape) for x in flat],
        "outputs": [rounded(x) for x in flat],
        "after": [rounded(w) for w in layer.get_weights()] if case.get("state") else None,
        "masking": bool(layer.supports_masking),
        "gradients": gradients(case) if differentiable(case) else None,
        "trained": trained(case) if trainable(case) else None,
    }


def gradients(case):
    """Of a weighted sum of the outputs, by float inputs and trained weights."""
    layer, _ = made(case)
    inputs = [tf.convert_to_tensor(x) for x in inputs_of(case)]
    sources = [x for x in inputs if x.dtype.is_floating] + [w.value for w in layer.trainable_weights]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        outputs = [o for o in keras.tree.flatten(called(layer, case, inputs)) if o.dtype.is_floating]
        total = sum(tf.reduce_sum(o * filled(o.shape, 20 + i)) for i, o in enumerate(outputs))
    found = tape.gradient(total, sources)
    return [None if g is None else shadow(tf.convert_to_tensor(g), i) for i, g in enumerate(found)]


def trained(case):
    """The loss of one training step, and the weights behind it."""
    layer, _ = made(case)
    starts = symbolic_inputs(case, keras)
    model = keras.Model(starts, called(layer, case, starts))
    targets = [np.zeros(o.shape, "float32") for o in keras.tree.flatten(model(inputs_of(case)))]
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss=["mse"] * len(targets))
    loss = model.train_on_batch(inputs_of(case), targets)
    return [float(np.ravel(loss)[0]), *(shadow(w, i) for i, w in enumerate(layer.get_weights()))]


if __name__ == "__main__":
    result, failed = {}, []
    for name, case in CASES.items():
        try:
            result[name] = record(case)
        except Exception as error:
            failed.append(f"{name}: {type(error).__name__}: {error}")
    if failed:
        raise SystemExit("\n".join(failed))
    print(json.dumps(result, separators=(",", ":")))
