"""Training a student beside a teacher, the same under Keras."""

import numpy as np


def wave(*shape):
    return np.sin(np.arange(int(np.prod(shape)), dtype="float32") * 1.37 + len(shape)).reshape(shape)


def net(keras, name, *sizes, inputs=4):
    """A model of dense layers, its weights made by hand."""
    layers = [keras.layers.Dense(n, "relu" if n != sizes[-1] else None, name=f"{name}{i}") for i, n in enumerate(sizes)]
    made = keras.Sequential([keras.Input((inputs,)), *layers], name=name)
    for i, variable in enumerate(made.weights):
        variable.assign(wave(*variable.shape) * (1 + i / 5))
    return made


#: The distillation losses, their weights, and the share of the student's own loss.
CASES = {
    "logits": ("LogitsDistillation()", None, 0.5),
    "divergence": ("LogitsDistillation(4.0, losses.KLDivergence())", None, 0.25),
    "features": ("FeatureDistillation('mse', 't1', 's0')", None, 0.5),
    "several": (
        "[LogitsDistillation(2.0, 'mae'), FeatureDistillation('mae', 't1', 's0'), FeatureDistillation()]",
        [1.0, 0.5, 0.25], 0.3,
    ),
    "the student's alone": ("LogitsDistillation()", None, 1.0),
    "the teacher's alone": ("LogitsDistillation(1.0, 'mse')", None, 0.0),
}  # fmt: skip


def distilled(keras, case):
    """The history of three epochs, an evaluation, predictions and what was trained."""
    losses, weights, share = CASES[case]
    losses = eval(losses, {**vars(keras.distillation), "losses": keras.losses})
    model = keras.distillation.Distiller(
        net(keras, "t", 8, 6, 3), net(keras, "s", 6, 3), losses, weights, student_loss_weight=share
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    x, y = wave(16, 4), np.arange(16) % 3
    fitted = model.fit(
        x, y, epochs=3, batch_size=8, shuffle=False, verbose=0, validation_data=(x[:8], y[:8])
    ).history  # fmt: skip
    return {
        "history": fitted, "evaluation": model.evaluate(x, y, verbose=0, return_dict=True),
        "predictions": model.predict(x[:2], verbose=0).tolist(), "trained": [v.path for v in model.trainable_variables],
        "metrics": [m.name for m in model.metrics],
    }  # fmt: skip
