"""Records what real TensorFlow saves of the objects of `everything`, in objects/ beside this file.

python -m tests.golden.record_checkpoint      # with an interpreter that has TensorFlow 2.21
"""

import json
import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "objects"


def everything(tf, seed):
    """Objects of all the kinds that checkpoints follow, one step of training in."""

    class Net(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.embed = tf.keras.layers.Embedding(4, 3)
            self.dense = tf.keras.layers.Dense(2)
            self.factor = tf.Variable(float(seed))

        def call(self, x):
            return self.dense(self.embed(x)) * self.factor

    class Inner(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = tf.Variable(np.arange(3.0) * seed, dtype=tf.float32, name="w")
            self.parts = [tf.Variable(seed), {"x/y.z": tf.Variable(f"text {seed}")}, (tf.Variable(True), 7)]
            self.again = self.parts[0]

    tf.keras.utils.set_random_seed(seed)
    net, optimizer = Net(), tf.keras.optimizers.Adam(0.1)
    stack = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(2), tf.keras.layers.BatchNormalization()])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(net(np.array([[1, 2]])) ** 2)
    variables = net.trainable_variables
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
    stack.layers[1].moving_mean.assign([float(seed), 2.0])
    return {
        "net": net, "optimizer": optimizer, "stack": stack, "inner": Inner(), "generator": tf.random.Generator.from_seed(seed),
        "step": tf.Variable(seed, dtype=tf.int64), "half": [tf.Variable([0.5, seed], dtype=tf.bfloat16)],
    }  # fmt: skip


def values(objects):
    """All values as lists, by the names of a walk."""
    inner = objects["inner"]
    found = {"step": objects["step"], "half": objects["half"][0], "generator": objects["generator"].state, "w": inner.w}
    found |= {"parts": inner.parts[0], "text": inner.parts[1]["x/y.z"], "flag": inner.parts[2][0]}
    for name in ("net", "optimizer", "stack"):
        found |= {f"{name}/{i}": v for i, v in enumerate(objects[name].variables)}
    return {k: np.asarray(v).astype("U" if k == "text" else "f8").tolist() for k, v in found.items()}


def main(tf):
    objects = everything(tf, 3)
    path = tf.train.Checkpoint(**objects).save(str(FOLDER / "tf"))
    facts = {
        "values": values(objects),
        "keys": [name for name, _ in tf.train.list_variables(path)],
    }
    (FOLDER / "facts.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    import tensorflow

    sys.exit(main(tensorflow))
