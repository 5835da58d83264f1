"""keras.distillation against Keras."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from duoflow import keras
from tests.keras.recorded import assert_close

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "keras"
sys.path.insert(0, str(GOLDEN))
from distillation_cases import CASES, distilled, net, wave  # noqa: E402

RECORDED = json.loads((GOLDEN / "distillation.json").read_text())
distillation = keras.distillation


@pytest.fixture(autouse=True)
def fresh():
    keras.utils.clear_session(free_memory=False)


@pytest.mark.parametrize("case", CASES)
def test_as_keras(case):
    assert_close(distilled(keras, case), RECORDED[case], rtol=2e-5, atol=1e-6)


def two_heads(name, width):
    start = keras.Input((4,))
    inner = keras.layers.Dense(width, "tanh")(start)
    return keras.Model(start, [keras.layers.Dense(3)(inner), keras.layers.Dense(2)(inner)], name=name)


def test_losses_of_several_outputs():
    losses = [distillation.LogitsDistillation(3.0, ["mse", None]), distillation.FeatureDistillation([None, "mae"])]
    model = distillation.Distiller(two_heads("t", 8), two_heads("s", 5), losses, student_loss_weight=0.25)
    model.compile("sgd", ["mse", "mae"])
    x, ys = wave(16, 4), [wave(16, 3), wave(16, 2)]
    (a, b), (c, d) = (m.predict(x, verbose=0) for m in (model.teacher, model.student))
    found = model.evaluate(x, ys, batch_size=16, verbose=0, return_dict=True)
    own = np.square(c - ys[0]).mean() + np.abs(d - ys[1]).mean()
    taught = np.square(a - c).mean() / 9 + np.abs(b - d).mean()
    np.testing.assert_allclose(found["student_loss"], own, rtol=1e-5)
    np.testing.assert_allclose(found["distillation_loss"], taught, rtol=1e-5)
    np.testing.assert_allclose(found["loss"], 0.25 * own + 0.75 * taught, rtol=1e-5)


def test_config_and_file(tmp_path):
    divergence = distillation.LogitsDistillation(2.0, keras.losses.KLDivergence())
    losses = [divergence, distillation.FeatureDistillation("mse", "t0", "s0")]
    model = distillation.Distiller(net(keras, "t", 6, 3), net(keras, "s", 6, 3), losses, [1.0, 2.0])
    model.compile("sgd", "mse")
    x, y = wave(8, 4), wave(8, 3)
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert json.dumps(again.get_config()) == json.dumps(model.get_config())
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert again.evaluate(x, y, verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0))


class Vectors(distillation.DistillationLoss):
    """A loss that is none: one value for each sample."""

    def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
        return keras.ops.mean(teacher_outputs - student_outputs, axis=-1)


def distiller(losses=None, teacher=None, student=None, **more):
    losses = distillation.LogitsDistillation() if losses is None else losses
    return distillation.Distiller(teacher or net(keras, "t", 3), student or net(keras, "s", 3), losses, **more)


MISTAKES = {
    "must be positive": lambda: distillation.LogitsDistillation(0),
    "must be a number": lambda: distillation.LogitsDistillation("a"),
    "at least one non-`None`": lambda: distillation.FeatureDistillation(None),
    "Teacher must be": lambda: distiller(teacher=1),
    "output shapes are incompatible": lambda: distiller(student=net(keras, "s", 4)),
    "input shapes are incompatible": lambda: distiller(teacher=net(keras, "t", 3, inputs=5)),
    "must match number": lambda: distiller([distillation.LogitsDistillation()], distillation_loss_weights=[1, 2]),
    "between 0.0 and 1.0": lambda: distiller(student_loss_weight=2),
    "In teacher model: No such layer": lambda: distiller(distillation.FeatureDistillation("mse", "q", "s0")),
    "cannot be `None`": lambda: distiller().compile(),
    "must be a list or tuple": lambda: distiller().compile(loss="mse", metrics="mae"),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_mistakes(message):
    with pytest.raises(ValueError, match=message):
        MISTAKES[message]()


def test_losses_are_scalars():
    model = distiller(Vectors())
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="non-scalar loss"):
        model.fit(wave(2, 4), wave(2, 3), verbose=0)


def test_a_loss_says_what_it_does():
    with pytest.raises(NotImplementedError, match="compute_loss"):
        distillation.DistillationLoss().compute_loss(1, 2)
