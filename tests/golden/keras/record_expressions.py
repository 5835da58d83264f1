"""Records the values of expressions under Keras.

Run with an interpreter that has TensorFlow and Keras 3: `python record_expressions.py > expressions.json`.
"""

import json
import math

import keras
import numpy as np
from expression_cases import EXPRESSIONS, NAMES


def plain(x):
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    if isinstance(x, str):
        return x
    array = np.asarray(x)
    values = array.view(array.real.dtype) if array.dtype.kind == "c" else array
    values = values.astype("float64").reshape(-1)
    shown = [float(f"{v:.8g}") if math.isfinite(v) else str(v) for v in values]
    return {"shape": list(array.shape), "dtype": array.dtype.name, "values": shown}


result, failed = {}, []
for expression in EXPRESSIONS:
    keras.utils.clear_session()
    keras.utils.set_random_seed(7)
    try:
        result[expression] = plain(eval(expression, {"keras": keras, "ops": keras.ops, "random": keras.random, **NAMES}))
    except Exception as error:
        failed.append(f"{expression}: {type(error).__name__}: {error}")
if failed:
    raise SystemExit("\n".join(failed))
print(json.dumps(result, separators=(",", ":")))
