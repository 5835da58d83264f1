"""The pipeline: passes are named, counted and timed, and `tf.config.optimizer` leaves some out."""

import itertools

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.engine import executable
from duoflow.core.switches import switches
from duoflow.passes import pipeline


@pytest.fixture
def options():
    """`tf.config.optimizer`, as it was afterwards."""
    before = dict(switches.optimizer_options)
    yield tf.config.optimizer
    switches.optimizer_options.clear()
    switches.optimizer_options.update(before)


def program():
    """A function with something to do for every pass."""
    v = tf.Variable([1.0, 2.0])

    @tf.function
    def f(x):
        two = tf.constant(1.0) + tf.constant(1.0)
        y = tf.nn.softmax(x * two) + tf.nn.softmax(x * two) * 1.0
        tf.exp(y)
        return v.assign_add(y)

    return f, v


def passes_of(f, *args):
    (row,) = executable(f.get_concrete_function(*args).graph).report()
    return row["passes"]


def test_every_pass_is_named_counted_and_timed():
    f, _ = program()
    before = {name: (total.runs, total.changes) for name, total in pipeline.totals.items()}
    f(tf.constant([1.0, 2.0]))
    runs = passes_of(f, tf.constant([1.0, 2.0]))
    names = [run.name for run in runs]
    assert names[:4] == ["inline", "prune", "state", "specialize"] and names[-1] == "prune again"
    assert all(run.seconds > 0 for run in runs)
    for earlier, later in itertools.pairwise(runs):
        assert earlier.after == later.before
    by_name = {run.name: run for run in runs}
    assert by_name["state"].changed and by_name["expand"].after > by_name["expand"].before
    assert by_name["merge"].after < by_name["merge"].before
    for name in ("fold", "merge"):
        runs_before, changes_before = before.get(name, (0, 0))
        assert pipeline.totals[name].runs == runs_before + 1
        assert pipeline.totals[name].changes == changes_before + by_name[name].changed


LEFT_OUT = [
    ({}, set()),
    ({"constant_folding": False}, {"fold"}),
    ({"arithmetic_optimization": False}, {"simplify", "merge"}),
    ({"disable_model_pruning": True}, {"prune"}),
    ({"disable_meta_optimizer": True}, {"fold", "simplify", "merge", "prune"}),
    ({"layout_optimizer": False, "constant_folding": True}, set()),
]


@pytest.mark.parametrize(("wanted", "missing"), LEFT_OUT, ids=[", ".join(case[0]) or "none" for case in LEFT_OUT])
def test_options_leave_passes_out_and_results_alone(options, wanted, missing):
    options.set_experimental_options(wanted)
    assert options.get_experimental_options().items() >= wanted.items()
    f, v = program()
    x = tf.constant([1.0, 3.0])
    f(x)
    np.testing.assert_allclose(v.numpy(), [1.0, 2.0] + 2 * np.float32(tf.nn.softmax(x * 2.0)), rtol=1e-6)
    names = [run.name.removesuffix(" again") for run in passes_of(f, x)]
    left = {"fold", "simplify", "merge", "prune"} - set(names[names.index("specialize") :])
    assert left == missing


def test_debugging_is_stripped_on_request(options, capfd):
    @tf.function
    def f(x):
        tf.debugging.assert_positive(x)
        tf.print("seen", x)
        return tf.debugging.check_numerics(x, "x") * 2.0

    options.set_experimental_options({"debug_stripper": True})
    assert float(f(tf.constant(-1.0))) == -2.0
    assert capfd.readouterr().err == ""
    options.set_experimental_options({"debug_stripper": False})
    again = tf.function(f.python_function)
    with pytest.raises(tf.errors.InvalidArgumentError, match="x > 0"):
        again(tf.constant(-1.0))
