"""Record what Keras computes with quantized and adapted layers, and files it writes of quantized models.

python record_quantized.py, where TensorFlow and Keras 3 are installed; writes quantized.json and quantized.npz.
"""

import json
import tempfile
import warnings
from pathlib import Path

import keras
import numpy as np
from quantized_cases import (
    CASES,
    CONVOLUTIONS,
    FILES,
    FUNCTIONS,
    TOKENS,
    TRAININGS,
    convolved,
    facts,
    file_model,
    plain,
    trained,
    wave,
)  # fmt: skip

HERE = Path(__file__).parent


def recorded(make):
    keras.utils.clear_session()
    return make()


def files():
    """Each file's bytes, and what its model predicts."""
    found = {}
    for name, mode in FILES.items():
        net = recorded(lambda: file_model(keras))
        net.quantize(mode)
        with tempfile.TemporaryDirectory() as folder:
            net.save(Path(folder, "m.keras"))
            found[name] = np.frombuffer(Path(folder, "m.keras").read_bytes(), "uint8")
        found[f"{name} predictions"] = net.predict(TOKENS, verbose=0)
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    names = {"q": keras.quantizers, "np": np, "w": wave(7, 5)}
    result = {
        "functions": {text: plain(eval(text, dict(names))) for text in FUNCTIONS},
        "layers": {case: recorded(lambda case=case: facts(keras, case)) for case in CASES},
        "convolutions": {text: recorded(lambda text=text: convolved(keras, text)) for text in CONVOLUTIONS},
        "trained": {name: recorded(lambda name=name: trained(keras, name)) for name in TRAININGS},
    }
    HERE.joinpath("quantized.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
    np.savez_compressed(HERE / "quantized.npz", **files())
