"""Runs the exported models with onnxruntime, after ONNX's own checker, and tells how far the outputs are from ours.

python -m tests.onnx.record_onnx write FOLDER     # here
python record_onnx.py run FOLDER                  # where onnx and onnxruntime are installed
"""

import sys
from pathlib import Path

import numpy as np


def write(folder):
    from tests.onnx.models import MODELS

    folder.mkdir(parents=True, exist_ok=True)
    for name, make in MODELS.items():
        model, x = make()
        model.export(folder / f"{name}.onnx", format="onnx", verbose=False)
        np.savez(folder / f"{name}.npz", x=x, y=model.predict(x, verbose=0))


def run(folder):
    import onnx
    import onnxruntime

    for path in sorted(folder.glob("*.onnx")):
        onnx.checker.check_model(onnx.load(path), full_check=True)
        values = np.load(path.with_suffix(".npz"))
        session = onnxruntime.InferenceSession(path)
        name = session.get_inputs()[0].name
        for x, y in ((values["x"], values["y"]), (values["x"][:1], values["y"][:1])):
            (found,) = session.run(None, {name: x})
            difference = float(np.abs(found - y).max())
            print(f"{path.stem:12} batch {len(x)}: {difference:.1e}")
            assert difference < 1e-5


if __name__ == "__main__":
    {"write": write, "run": run}[sys.argv[1]](Path(sys.argv[2]))
