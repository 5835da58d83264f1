"""Records what Keras' layers do: config, weights, shapes and outputs for weights and inputs that are easy to make again.

Run with an interpreter that has TensorFlow and Keras 3: `python record_layers.py > layers.json`.
"""

import json
import math

import keras
import numpy as np
from layer_cases import CASES, called, filled, inputs_of


def plain(x):
    if isinstance(x, (tuple, list)):
        return [plain(v) for v in x]
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    return x


def rounded(x):
    return [float(f"{v:.7g}") if math.isfinite(v) else str(v) for v in np.asarray(x, np.float64).reshape(-1)]


def record(case):
    keras.utils.clear_session()
    layer = eval(case["layer"], {"keras": keras, "layers": keras.layers})
    inputs = inputs_of(case)
    symbolic = [keras.Input(batch_shape=(None, *x.shape[1:]), dtype=x.dtype.name) for x in inputs]
    symbolic_out = called(layer, case, symbolic)
    layer.set_weights([filled(w.shape, i) for i, w in enumerate(layer.weights)])
    out = called(layer, case, [keras.ops.convert_to_tensor(x) for x in inputs])
    flat = keras.tree.flatten(out)
    return {
        "config": plain(json.loads(json.dumps(layer.get_config()))),
        "weights": [[w.path, list(w.shape), w.dtype, w.trainable] for w in layer.weights],
        "symbolic": [[list(x.shape), x.dtype] for x in keras.tree.flatten(symbolic_out)],
        "shapes": [list(x.shape) for x in flat],
        "outputs": [rounded(x) for x in flat],
        "after": [rounded(w) for w in layer.get_weights()] if case.get("state") else None,
    }


result, failed = {}, []
for name, case in CASES.items():
    try:
        result[name] = record(case)
    except Exception as error:
        failed.append(f"{name}: {type(error).__name__}: {error}")
if failed:
    raise SystemExit("\n".join(failed))
print(json.dumps(result, separators=(",", ":")))
