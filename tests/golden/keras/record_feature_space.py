"""Records what Keras' FeatureSpace makes of a table, and a file of one, into feature_space.npz.

Run with an interpreter that has TensorFlow and Keras 3: `python record_feature_space.py`.
"""

import tempfile
from pathlib import Path

import keras
import numpy as np
from feature_space_cases import OTHER, ROWS, encoded, spaces

recorded = {}
for kind, space in spaces(keras).items():
    space.adapt({name: ROWS[name] for name in space.features})
    for source, rows in (("rows", ROWS), ("other", OTHER)):
        recorded |= {f"{kind}:{source}:{name}": np.asarray(x) for name, x in encoded(space, rows).items()}
    if kind == "concat":
        with tempfile.TemporaryDirectory() as folder:
            space.save(Path(folder) / "space.keras")
            recorded["archive"] = np.frombuffer((Path(folder) / "space.keras").read_bytes(), np.uint8)
np.savez_compressed(Path(__file__).with_name("feature_space.npz"), **recorded)
