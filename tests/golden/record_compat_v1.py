"""Records from TensorFlow what tests/compat expects: run with a Python that has TensorFlow installed.

python tests/golden/record_compat_v1.py > tests/golden/compat_v1.json
"""

import json

import numpy as np

OPTIMIZERS = {
    "sgd": "tf.train.GradientDescentOptimizer(0.1)",
    "momentum": "tf.train.MomentumOptimizer(0.1, 0.9)",
    "nesterov": "tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True)",
    "adam": "tf.train.AdamOptimizer(0.1)",
    "rmsprop": "tf.train.RMSPropOptimizer(0.1, momentum=0.5)",
    "rmsprop centered": "tf.train.RMSPropOptimizer(0.1, centered=True)",
    "adagrad": "tf.train.AdagradOptimizer(0.1)",
    "adadelta": "tf.train.AdadeltaOptimizer(1.0)",
    "ftrl": "tf.train.FtrlOptimizer(0.1, l1_regularization_strength=0.01, l2_regularization_strength=0.01)",
    "proximal": "tf.train.ProximalGradientDescentOptimizer(0.1, l1_regularization_strength=0.1)",
    "dual averaging": "tf.train.AdagradDAOptimizer(0.1, tf.train.get_or_create_global_step())",
    "dual averaging, regular": "tf.train.AdagradDAOptimizer(0.1, tf.train.get_or_create_global_step(), 0.3, 0.2, 0.1)",
    "proximal adagrad": "tf.train.ProximalAdagradOptimizer(0.1, l2_regularization_strength=0.1)",
}
DECAYS = {
    "exponential": "tf.train.exponential_decay(0.1, step, 10, 0.5)",
    "staircase": "tf.train.exponential_decay(0.1, step, 10, 0.5, staircase=True)",
    "natural": "tf.train.natural_exp_decay(0.1, step, 10, 0.5)",
    "inverse": "tf.train.inverse_time_decay(0.1, step, 10, 0.5)",
    "polynomial": "tf.train.polynomial_decay(0.1, step, 10, power=2.0)",
    "polynomial cycle": "tf.train.polynomial_decay(0.1, step, 10, cycle=True)",
    "cosine": "tf.train.cosine_decay(0.1, step, 20)",
    "piecewise": "tf.train.piecewise_constant(step, [5, 15], [1.0, 0.5, 0.1])",
}


def optimize(tf, expression, sparse):
    """The variable after each of three steps, and the names of the optimizer's variables."""
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.get_variable("w", initializer=np.array([[1.0, -2.0], [0.5, 0.1], [3.0, 0.0]], np.float32))
        rows = tf.gather(w, [0, 2, 2]) if sparse else w
        loss = tf.reduce_sum(rows * rows * [[1.0, 0.5]])
        optimizer = eval(expression, {"tf": tf})
        step = tf.train.get_or_create_global_step()
        train = optimizer.minimize(loss, global_step=step)
        session.run(tf.global_variables_initializer())
        values = []
        for _ in range(3):
            session.run(train)
            values.append(session.run(w).tolist())
        names = sorted(v.name for v in optimizer.variables())
        return {"values": values, "slots": optimizer.get_slot_names(), "names": names, "step": int(session.run(step))}


def decay(tf, expression):
    """A learning rate at several steps."""
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.placeholder(tf.int64, [])
        rate = eval(expression, {"tf": tf, "step": step})
        return [float(session.run(rate, {step: n})) for n in (0, 1, 7, 10, 25)]


if __name__ == "__main__":
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    recorded = {
        "dense": {name: optimize(tf, expression, False) for name, expression in OPTIMIZERS.items()},
        "sparse": {name: optimize(tf, expression, True) for name, expression in OPTIMIZERS.items()},
        "decays": {name: decay(tf, expression) for name, expression in DECAYS.items()},
    }
    print(json.dumps(recorded, indent=1))
