"""Updates in a loop without tf.function: compiled once they recur, and the same as op by op."""

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.switches import switches

keras = tf.keras
TIMES = 50  # more than it takes for two variables
schedules = keras.optimizers.schedules


def compiled(optimizer):
    """How many forms of an optimizer's updates are compiled."""
    return sum(form.code is not None for form in optimizer._updates._forms.values())


def variables():
    rng = np.random.default_rng(0)
    return [keras.Variable(rng.normal(size=s).astype("float32"), name=n) for s, n in (((7, 5), "k"), ((5,), "b"))]


def gradients(step):
    rng = np.random.default_rng(step)
    return [tf.constant(rng.normal(size=shape), tf.float32) for shape in ((7, 5), (5,))]


def trained(make, change=lambda optimizer, step: None, grads=gradients, times=TIMES):
    """The optimizer after some updates, and the variables' values after each of the last ones."""
    optimizer, model = make(), variables()
    values = []
    for step in range(times):
        change(optimizer, step)
        optimizer.apply_gradients(zip(grads(step), model, strict=True))
        values.append([v.numpy() for v in model])
    return optimizer, [*values[-12:], [v.numpy() for v in optimizer.variables]]


def check(make, forms=1, **how):
    """Compiled updates give what updates op by op give."""
    optimizer, values = trained(make, **how)
    assert compiled(optimizer) == forms
    switches.eager_compile = False
    try:
        other, expected = trained(make, **how)
    finally:
        switches.eager_compile = True
    assert compiled(other) == 0
    assert int(optimizer.iterations) == int(other.iterations)
    for got, want in zip(values, expected, strict=True):
        for a, b in zip(got, want, strict=True):
            np.testing.assert_allclose(a, b, rtol=3e-5, atol=3e-6)
    return optimizer


o = keras.optimizers
OPTIMIZERS = {
    "Adam": lambda **k: o.Adam(0.01, **k), "AMSGrad": lambda **k: o.Adam(0.01, amsgrad=True, **k),
    "AdamW": lambda **k: o.AdamW(0.01, **k), "Adamax": lambda **k: o.Adamax(0.01, **k),
    "Nadam": lambda **k: o.Nadam(0.01, **k), "Lamb": lambda **k: o.Lamb(0.01, **k), "SGD": lambda **k: o.SGD(0.01, **k),
    "momentum": lambda **k: o.SGD(0.01, momentum=0.9, nesterov=True, **k), "RMSprop": lambda **k: o.RMSprop(0.01, **k),
    "Adagrad": lambda **k: o.Adagrad(0.01, **k), "Adadelta": lambda **k: o.Adadelta(0.1, **k),
    "Ftrl": lambda **k: o.Ftrl(0.01, **k), "Lion": lambda **k: o.Lion(0.01, **k),
    "Adafactor": lambda **k: o.Adafactor(0.01, **k), "Muon": lambda **k: o.Muon(0.01, **k),
    "ScheduleFree": lambda **k: o.ScheduleFreeAdamW(0.01, **k),
}  # fmt: skip


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_every_optimizer(make):
    check(make)


OPTIONS = {
    "weight decay": {"weight_decay": 0.1}, "clipnorm": {"clipnorm": 0.5}, "clipvalue": {"clipvalue": 0.1},
    "global clipnorm": {"global_clipnorm": 0.5}, "loss scale": {"loss_scale_factor": 8.0},
    "averages": {"use_ema": True, "ema_overwrite_frequency": 7}, "accumulation": {"gradient_accumulation_steps": 3},
    "exponential decay": {"learning_rate": schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True)},
    "cosine decay": {"learning_rate": schedules.CosineDecay(0.1, 40, warmup_target=0.2, warmup_steps=10)},
    "steps": {"learning_rate": schedules.PiecewiseConstantDecay([20, 45], [0.1, 0.01, 0.001])},
}  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_every_option(options):
    check(lambda: o.Adam(**options))


def sparse(step):
    rows = np.random.default_rng(step).integers(0, 7, 4)
    return [tf.IndexedSlices(gradients(step)[0][:4], tf.constant(rows), tf.constant([7, 5])), gradients(step)[1]]


@pytest.mark.parametrize("make", [OPTIMIZERS["Adam"], OPTIMIZERS["SGD"], OPTIMIZERS["Adagrad"]])
def test_sparse_gradients(make):
    check(make, grads=sparse)


def test_variables_without_a_gradient():
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        check(OPTIMIZERS["Adam"], grads=lambda step: [gradients(step)[0], None])


def test_what_changes_between_updates_is_seen():
    def change(optimizer, step):
        if step % 10 == 0:
            optimizer.learning_rate = 0.1 / (1 + step)
        if step == 47:
            optimizer.beta_1 = 0.5
        if step == 48:
            optimizer.clipvalue = 0.01

    check(OPTIMIZERS["Adam"], change=change)


def test_a_schedule_that_is_set_later():
    def change(optimizer, step):
        if step == 46:
            optimizer.learning_rate = schedules.InverseTimeDecay(0.1, 2, 0.5)

    check(OPTIMIZERS["SGD"], change=change)


def test_schedules_with_other_numbers():
    def change(optimizer, step):
        if step == 45:
            optimizer._schedule.decay_rate = 0.9

    check(lambda: o.SGD(schedules.ExponentialDecay(0.1, 10, 0.5)), change=change)


class Halving(schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.5 ** float(step)


class Counting(o.SGD):
    updates = 0

    def update_step(self, gradient, variable, learning_rate):
        self.updates += 1
        super().update_step(gradient, variable, learning_rate)


@pytest.mark.parametrize(
    "make",
    [lambda: o.SGD(Halving()), lambda: o.SGD(lambda: 0.1), lambda: Counting(0.1)],
    ids=["a schedule", "a function for the rate", "an optimizer"],
)
def test_what_a_program_defines_is_called_every_time(make):
    optimizer = check(make, forms=0)
    if isinstance(optimizer, Counting):
        assert optimizer.updates == 2 * TIMES


def test_constraints_are_called_every_time():
    v, calls = keras.Variable([1.0, 2.0]), []
    v.constraint = lambda w: calls.append(1) or tf.clip_by_value(w, 0.0, 1.5)
    sgd = o.SGD(0.1)
    for _ in range(TIMES):
        sgd.apply_gradients([(tf.constant([-1.0, -1.0]), v)])
    assert v.numpy().tolist() == [1.5, 1.5]
    assert len(calls) == TIMES
    assert compiled(sgd) == 0


def test_several_optimizers_in_one():
    make = lambda: o.MultiOptimizer(o.OptimizerMap(OPTIMIZERS["Adam"](), {"b": OPTIMIZERS["SGD"]()}))
    optimizer = check(make, forms=0)
    assert sum(map(compiled, optimizer.optimizers)) == 2


def test_a_loss_scale():
    optimizer = check(lambda: o.LossScaleOptimizer(OPTIMIZERS["Adam"]()), forms=0)
    assert compiled(optimizer.inner_optimizer) == 1


def test_values_read_before_an_update_stay():
    optimizer, model, read = OPTIMIZERS["Adam"](), variables(), []
    for step in range(TIMES):
        read.append((model[0].value, model[0].numpy()))
        optimizer.apply_gradients(zip(gradients(step), model, strict=True))
    assert compiled(optimizer) == 1
    for tensor, array in read:
        np.testing.assert_array_equal(tensor, array)


def test_tapes_see_updates():
    optimizer, model = OPTIMIZERS["SGD"](), variables()
    for step in range(TIMES):
        with tf.GradientTape():
            optimizer.apply_gradients(zip(gradients(step), model, strict=True))
    assert compiled(optimizer) == 0


def test_each_set_of_variables_has_its_own():
    optimizer, model = OPTIMIZERS["Adam"](), variables()
    optimizer.build(model)
    for step in range(2 * TIMES):
        which = step % 2
        optimizer.apply_gradients([(gradients(step)[which], model[which])])
    assert compiled(optimizer) == 2
