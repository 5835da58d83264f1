"""Records a graph with reference variables, its checkpoint, and what it gives, in the folder references beside this file.

python -m tests.golden.record_references      # with an interpreter that has TensorFlow 2.21
"""

import json
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "references"
OPTIMIZERS = {
    "sgd": "tf.train.GradientDescentOptimizer(0.05)",
    "momentum": "tf.train.MomentumOptimizer(0.05, 0.9)",
    "adam": "tf.train.AdamOptimizer(0.1)",
    "adagrad": "tf.train.AdagradOptimizer(0.1)",
    "rmsprop": "tf.train.RMSPropOptimizer(0.01)",
    "centered": "tf.train.RMSPropOptimizer(0.01, centered=True, momentum=0.5)",
    "adadelta": "tf.train.AdadeltaOptimizer(1.0)",
    "ftrl": "tf.train.FtrlOptimizer(0.1)",
}
VARIABLES = ["w:0", "b:0", "table:0"]
FEEDS = {"x:0": [[1.0, 2.0, 3.0], [0.0, 1.0, -1.0]], "y:0": [[1.0], [2.0]], "ids:0": [0, 2, 2]}


def build(tf):
    """A regression with a table of rows, trained in each way; assignments, and what waits for them."""
    x, y = tf.placeholder(tf.float32, [None, 3], name="x"), tf.placeholder(tf.float32, [None, 1], name="y")
    ids = tf.placeholder(tf.int32, [None], name="ids")
    w = tf.get_variable("w", initializer=np.array([[0.5], [-1.0], [2.0]], "f"))
    b = tf.get_variable("b", [1], initializer=tf.zeros_initializer())
    table = tf.get_variable("table", initializer=np.arange(8, dtype="f").reshape(4, 2) * 0.1)
    step = tf.train.get_or_create_global_step()
    predicted = tf.add(tf.matmul(x, w), b, name="predicted")
    picked = tf.reduce_sum(tf.gather(table, ids))
    loss = tf.add(tf.reduce_mean(tf.square(predicted - y)), 0.01 * tf.square(picked - 1.0), name="loss")
    for name, expression in OPTIMIZERS.items():
        eval(expression, {"tf": tf}).minimize(loss, global_step=step, name=f"train_{name}")
    with tf.control_dependencies([tf.assign_add(b, [1.0])]):
        tf.identity(b * 2.0, name="after")
    tf.assign(w, w * 0.5, name="halve")
    tf.scatter_update(table, [1], [[9.0, 9.0]], name="scatter")
    tf.add_to_collection("outputs", predicted)


def outcomes(session, restore):
    """What the graph gives, each time from the checkpoint on: after two steps of each optimizer, and of assignments."""
    restore()
    found = {name: session.run(f"{name}:0", FEEDS).tolist() for name in ("loss", "predicted")}
    for name in OPTIMIZERS:
        restore()
        for _ in range(2):
            session.run(f"train_{name}", FEEDS)
        found[name] = [v.tolist() for v in session.run(VARIABLES)]
    for name in ("after", "halve", "scatter"):
        restore()
        found[name] = session.run(f"{name}:0").tolist()
    return found


def main() -> None:
    """Write the files."""
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    tf.disable_resource_variables()
    build(tf)
    FOLDER.mkdir(exist_ok=True)
    prefix, saver = str(FOLDER / "m"), tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run("train_sgd", FEEDS)
        saver.save(session, prefix, write_meta_graph=False, write_state=False)
        meta = tf.train.export_meta_graph(saver_def=saver.as_saver_def(), strip_default_attrs=True)
        meta.meta_info_def.ClearField("stripped_op_list")
        Path(f"{prefix}.meta").write_bytes(meta.SerializeToString())
        values = outcomes(session, lambda: saver.restore(session, prefix))
    (FOLDER / "values.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
