"""Training without side effects, with Keras' `stateless_` methods; what computes gradients is the caller's."""

import numpy as np

OPTIMIZERS = {
    "Adam": "Adam(0.01)",
    "momentum": "SGD(0.01, momentum=0.9, nesterov=True)",
    "averages": "Adam(0.01, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2)",
    "decay": "AdamW(0.01, weight_decay=0.1, clipnorm=0.5)",
    "schedule": "RMSprop(schedules.ExponentialDecay(0.1, 2, 0.5))",
    "accumulation": "SGD(0.01, gradient_accumulation_steps=2)",
    "scaled": "LossScaleOptimizer(SGD(0.01), initial_scale=4.0, dynamic_growth_steps=2)",
    **{name: f"{name}(0.01)" for name in ("Adadelta", "Adafactor", "Adagrad", "Ftrl", "Lamb", "Lion", "Nadam")},
}


def wave(*shape):
    """Numbers that any program can make."""
    return np.sin(np.arange(int(np.prod(shape)), dtype="float32") * 1.3 + len(shape)).reshape(shape)


def model(keras):
    """A small classifier with state of its own and losses of its layers."""
    layers = keras.layers
    made = keras.Sequential([
        keras.Input((5,)),
        layers.Dense(8, activation="relu", use_bias=False, kernel_regularizer="l2"),
        layers.BatchNormalization(),
        layers.Dense(3, activity_regularizer=keras.regularizers.L2(0.1)),
    ])  # fmt: skip
    for i, variable in enumerate(made.trainable_variables):
        variable.assign(wave(*variable.shape) * (0.5 + i / 7))
    return made


def trained(keras, optimizer, compiled):
    """Five steps: the losses, and the state of the model, the optimizer and a metric.

    compiled: given a function (values, x, y) -> (loss, rest), makes one that gives ((loss, rest), gradients)
    """
    net, loss_of = model(keras), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    metric = keras.metrics.SparseCategoricalAccuracy()
    optimizer = eval(optimizer, vars(keras.optimizers))
    optimizer.build(net.trainable_variables)
    state = [v.value for v in net.trainable_variables], [v.value for v in net.non_trainable_variables]
    slots, counts = [v.value for v in optimizer.variables], metric.stateless_reset_state()

    def loss(values, others, x, y):
        out, others, losses = net.stateless_call(values, others, x, training=True, return_losses=True)
        return loss_of(y, out) + sum(losses), (others, out)

    def step(values, others, slots, counts, x, y):
        (total, (others, out)), gradients = compiled(loss)(values, others, x, y)
        values, slots = optimizer.stateless_apply(slots, gradients, values)
        return total, values, others, slots, metric.stateless_update_state(counts, y, out)

    run, losses = compiled.jit(step), []
    x, y = wave(32, 5), np.arange(32, dtype="int32") % 3
    for start in (0, 8, 16, 24, 0):
        rows = slice(start, start + 8)
        total, *state, slots, counts = run(*state, slots, counts, x[rows], y[rows])
        losses.append(float(total))
    found = {"losses": losses, "trained": state[0], "other": state[1], "slots": slots, "counts": counts}
    kept = [np.asarray(v).tolist() for v in net.variables] == [np.asarray(v).tolist() for v in model(keras).variables]
    return {k: [np.asarray(v, "float64").tolist() for v in vs] for k, vs in found.items()} | {
        "accuracy": float(metric.stateless_result(counts)), "kept": kept,
    }  # fmt: skip
