"""Records weights that Keras writes to several files, and what they hold, into shards.npz.

Run with an interpreter that has TensorFlow and Keras 3: `python record_shards.py`.
"""

import tempfile
from pathlib import Path

import keras
import numpy as np

keras.utils.set_random_seed(3)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6), keras.layers.Dense(5), keras.layers.BatchNormalization()])
model.compile("adam", "mse")
model.fit(np.ones((8, 4)), np.ones((8, 5)), verbose=0)
values = [*model.get_weights(), *(np.asarray(v) for v in model.optimizer.variables)]
recorded = {f"value:{i}": value for i, value in enumerate(values)}
with tempfile.TemporaryDirectory() as folder:
    model.save_weights(Path(folder) / "m.weights.json", max_shard_size=240 / 1024**3)
    recorded |= {f"file:{path.name}": np.frombuffer(path.read_bytes(), np.uint8) for path in Path(folder).iterdir()}
np.savez_compressed(Path(__file__).with_name("shards.npz"), **recorded)
