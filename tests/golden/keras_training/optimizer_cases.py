"""Optimizers and learning-rate schedules that were run under Keras: expressions, and how they are run.

`trajectory` and `rates` take the framework as an argument, so that recording and testing run the same code.
"""

import re

import numpy as np

STEPS = 6

OPTIMIZERS = [
    "SGD(0.1)",
    "SGD(0.1, momentum=0.9)",
    "SGD(0.1, momentum=0.9, nesterov=True)",
    "SGD(0.1, weight_decay=0.05)",
    "SGD(0.1, clipnorm=0.3)",
    "SGD(0.1, clipvalue=0.2)",
    "SGD(0.1, global_clipnorm=0.5)",
    "SGD(0.1, loss_scale_factor=4.0)",
    "SGD(0.1, gradient_accumulation_steps=2)",
    "SGD(0.1, momentum=0.9, gradient_accumulation_steps=3, clipnorm=0.3, weight_decay=0.01)",
    "SGD(0.1, use_ema=True, ema_momentum=0.8)",
    "SGD(0.1, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=2)",
    "SGD(0.1, use_ema=True, gradient_accumulation_steps=2)",
    "SGD(schedules.ExponentialDecay(0.1, 2, 0.5))",
    "SGD(schedules.ExponentialDecay(0.1, 2, 0.5), gradient_accumulation_steps=2, weight_decay=0.01)",
    "SGD(fixed_rate)",
    "RMSprop(0.01)",
    "RMSprop(0.01, momentum=0.9)",
    "RMSprop(0.01, centered=True)",
    "RMSprop(0.01, rho=0.8, momentum=0.5, centered=True, epsilon=1e-3)",
    "Adam(0.01)",
    "Adam(0.01, amsgrad=True)",
    "Adam(0.01, beta_1=0.8, beta_2=0.9, epsilon=1e-3, clipnorm=0.3)",
    "Adam(0.01, weight_decay=0.1)",
    "Adam(schedules.PolynomialDecay(0.1, 4))",
    "AdamW(0.01)",
    "AdamW(0.01, weight_decay=0.1, amsgrad=True)",
    "Adadelta(1.0)",
    "Adadelta(0.1, rho=0.8, epsilon=1e-3)",
    "Adagrad(0.1)",
    "Adagrad(0.1, initial_accumulator_value=0.5, epsilon=1e-2)",
    "Adamax(0.01)",
    "Adamax(0.01, beta_1=0.8, beta_2=0.9, epsilon=1e-3)",
    "Nadam(0.01)",
    "Nadam(0.01, beta_1=0.8, beta_2=0.9, epsilon=1e-3)",
    "Ftrl(0.1)",
    "Ftrl(0.1, learning_rate_power=-0.7, initial_accumulator_value=0.3, l1_regularization_strength=0.01, "
    "l2_regularization_strength=0.02, l2_shrinkage_regularization_strength=0.03, beta=0.1)",
    "Lion(0.01)",
    "Lion(0.01, beta_1=0.8, beta_2=0.9, weight_decay=0.1)",
    "Lamb(0.01)",
    "Lamb(0.01, beta_1=0.8, beta_2=0.9, epsilon=1e-3)",
    "Adafactor(0.1)",
    "Adafactor(0.1, relative_step=False, clip_threshold=0.5, beta_2_decay=-0.6)",
    "Adafactor(schedules.ExponentialDecay(0.1, 2, 0.5))",
    "Muon(0.01)",
    "Muon(0.01, nesterov=False, rms_rate=None, ns_steps=2, weight_decay=None, adam_lr_ratio=0.5)",
    "ScheduleFreeAdamW(0.01)",
    "ScheduleFreeAdamW(0.01, beta_1=0.8, beta_2=0.9, warmup_steps=3, weight_decay=0.1)",
    "LossScaleOptimizer(SGD(0.1, momentum=0.9), initial_scale=8.0, dynamic_growth_steps=2)",
    "MultiOptimizer(OptimizerMap(Adam(0.01), {'b': SGD(0.1, momentum=0.9)}))",
    "MultiOptimizer(OptimizerMap(Adam(0.01), {'[a-w]': RMSprop(0.01), 'w': SGD(0.1)}), loss_scale_factor=4.0)",
]

SCHEDULES = [
    "ExponentialDecay(0.1, 5, 0.5)",
    "ExponentialDecay(0.1, 5, 0.5, staircase=True)",
    "InverseTimeDecay(0.1, 5, 0.5)",
    "InverseTimeDecay(0.1, 5, 0.5, staircase=True)",
    "PiecewiseConstantDecay([3, 7], [1.0, 0.5, 0.1])",
    "PiecewiseConstantDecay([3.0, 7.0], [1.0, 0.5, 0.1])",
    "PolynomialDecay(0.1, 6)",
    "PolynomialDecay(0.1, 6, 0.01, power=2.0)",
    "PolynomialDecay(0.1, 6, 0.01, power=0.5, cycle=True)",
    "CosineDecay(0.1, 6)",
    "CosineDecay(0.1, 6, alpha=0.2)",
    "CosineDecay(0.0, 6, warmup_target=0.1, warmup_steps=3)",
    "CosineDecayRestarts(0.1, 3)",
    "CosineDecayRestarts(0.1, 3, t_mul=1.0, m_mul=0.5, alpha=0.1)",
    "CosineDecayRestarts(0.1, 2, t_mul=3.0, m_mul=0.8)",
]

SPARSE = ["SGD(0.1, momentum=0.9)", "RMSprop(0.01, centered=True)", "Adam(0.01)", "Adagrad(0.1)", "Ftrl(0.1)"]


def fixed_rate():
    """A learning rate given as a function."""
    return 0.05


def made(tf, expression):
    """The optimizer of an expression."""
    return eval(expression, vars(tf.keras.optimizers) | {"fixed_rate": fixed_rate})


def gradients(step):
    """The gradients of a step, for a matrix and a vector."""
    rng = np.random.default_rng(step)
    return rng.normal(size=(3, 4)).astype("float32"), rng.normal(size=5).astype("float32")


def _variables(tf):
    rng = np.random.default_rng(100)
    return [
        tf.keras.Variable(rng.normal(size=shape).astype("float32"), name=name)
        for name, shape in (("w", (3, 4)), ("b", (5,)))
    ]


def trajectory(tf, expression):
    """The variables after each step, the optimizer's variables after the last, and the config."""
    optimizer, variables = made(tf, expression), _variables(tf)
    after = []
    for step in range(STEPS):
        optimizer.apply_gradients(zip([tf.constant(g) for g in gradients(step)], variables))
        after.append([v.numpy().tolist() for v in variables])
    state = [np.asarray(v.numpy(), "float64").tolist() for v in optimizer.variables]
    names = [re.sub(r"^variable_\d+$", "variable", v.path.split("/")[-1]) for v in optimizer.variables]
    inner = ("learning_rate", "inner_optimizer", "optimizer_map", "name")
    config = {k: v for k, v in optimizer.get_config().items() if k not in inner}
    return {"variables": after, "state": state, "names": names, "config": config}


def sparse_trajectory(tf, expression):
    """The table after steps with gradients for some of its rows, one of them twice."""
    optimizer = made(tf, expression)
    table = tf.keras.Variable(np.random.default_rng(7).normal(size=(5, 2)).astype("float32"), name="table")
    for step in range(3):
        rows = np.random.default_rng(step).normal(size=(3, 2)).astype("float32")
        optimizer.apply_gradients(
            [(tf.IndexedSlices(tf.constant(rows), tf.constant([0, 3, 0]), tf.constant([5, 2])), table)]
        )
    return table.numpy().tolist()


def rates(tf, expression):
    """The rates of steps 0 to 12."""
    schedules = tf.keras.optimizers.schedules
    schedule = eval(expression, vars(schedules))
    return {"rates": [float(schedule(step)) for step in range(13)], "config": schedule.get_config()}
