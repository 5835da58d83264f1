"""What failed in a compiled function: the first op that raises or makes a NaN, its line, its values."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import duoflow as tf

c = tf.constant


def line_of(function, text):
    """The number of the line of a function's source that contains `text`."""
    code = getattr(function, "python_function", function).__code__
    with open(code.co_filename, encoding="utf-8") as source:
        lines = source.read().splitlines()
    return next(n for n in range(code.co_firstlineno, len(lines) + 1) if text in lines[n - 1])


@tf.function
def logs(x):
    y = x - 1.0
    return tf.reduce_sum(tf.math.log(y))


@tf.function
def infinity_first(x):
    big = tf.exp(x * 100.0)
    small = big - big
    return small * 2.0


@tf.function
def in_a_loop(x):
    for _ in tf.range(3):
        x = tf.sqrt(x) - 1.0
    return x


@tf.function
def in_a_branch(x):
    if tf.reduce_sum(x) < 0.0:
        return tf.math.reciprocal(x - x)
    return x


@tf.function
def in_a_call(x):
    return logs(x) + 1.0


@tf.function
def masked(x):
    scores = tf.where(x > 0.0, x, -np.inf)
    weights = tf.nn.softmax(scores)
    return tf.reduce_sum(weights * tf.math.log(x))


FAILURES = [
    (logs, [2.0, 0.5], "NaN", "Log", "tf.math.log(y)"),
    (infinity_first, [1.0], "NaN", "Sub", "big - big"),
    (in_a_loop, [3.0], "NaN", "Sqrt", "tf.sqrt(x)"),
    (in_a_branch, [-1.0], "Inf", "Reciprocal", "reciprocal"),
    (in_a_call, [0.5], "NaN", "Log", None),
    (masked, [1.0, -1.0], "NaN", "Log", "tf.math.log(x)"),
]


@pytest.mark.parametrize(("f", "x", "what", "op", "text"), FAILURES, ids=[case[0].name for case in FAILURES])
def test_the_first_bad_value_is_found(f, x, what, op, text):
    failure = tf.debugging.explain_failure(f, c(x))
    assert (failure.what, failure.node.type) == (what, op)
    where = line_of(f, text) if text else line_of(logs, "tf.math.log(y)")
    assert failure.node.origin == (__file__, where)
    assert f"{what} first appears in {op}" in str(failure) and f"line {where}" in str(failure)
    assert any(not np.all(np.isfinite(value)) for value in failure.outputs)


def test_an_infinity_that_made_a_nan_is_its_cause():
    failure = tf.debugging.explain_failure(infinity_first, c([1.0]))
    assert failure.cause.what == "Inf" and failure.cause.node.type == "Exp"
    assert "because\n  Inf first appears in Exp" in str(failure)


def test_the_report_shows_values():
    text = str(tf.debugging.explain_failure(logs, c([2.0, 0.5, 3.0])))
    assert "input  Sub of line" in text and "float32[3] [1, -0.5, 2]" in text
    assert "output float32[3] [0, nan, 0.693147] (1 NaN of 3, first at [1]; finite values from 0 to 0.693147)" in text


def test_an_error_is_shown_with_the_operands():
    f = tf.function(lambda x, i: tf.gather(x * 2.0, i))
    failure = tf.debugging.explain_failure(f, c([1.0, 2.0]), c(7))
    assert isinstance(failure.error, tf.errors.InvalidArgumentError)
    assert str(failure).startswith("InvalidArgumentError: indices = 7 is not in [0, 2), in GatherV2")
    assert "float32[2] [2, 4]" in str(failure) and "int32[] [7]" in str(failure)


def test_arguments_that_are_bad_already_are_named():
    failure = tf.debugging.explain_failure(tf.function(lambda x: x + 1.0), c([np.nan]))
    assert failure.node.type == "Placeholder" and failure.node.name == "x"


def test_nothing_wrong_gives_none_and_variables_stay():
    v = tf.Variable(1.0)
    f = tf.function(lambda x: v.assign_add(x) * x)
    assert tf.debugging.explain_failure(f, c(2.0)) is None and v.numpy() == 1.0
    assert tf.debugging.explain_failure(f, c(np.inf)).what == "Inf" and v.numpy() == 1.0


def test_a_variable_that_goes_bad_is_a_failure():
    v = tf.Variable([1.0])

    @tf.function
    def step(x):
        v.assign(v / x)

    assert tf.debugging.explain_failure(step, c([0.0])).node.type == "RealDiv"


SCRIPT = textwrap.dedent(
    """
    import sys
    import duoflow as tf

    v = tf.Variable(1.0)
    seen = []
    sys.breakpointhook = lambda: seen.append(sys._getframe(1).f_locals["y"].numpy().tolist())

    @tf.function
    def f(x):
        v.assign_add(1.0)
        y = x - 1.0
        breakpoint()
        return tf.reduce_sum(tf.math.log(y))

    seen.append(None)
    sys.breakpointhook, hook = (lambda: None), sys.breakpointhook
    print(round(float(f(tf.constant([3.0]))), 4))
    sys.breakpointhook = hook
    try:
        f(tf.constant([-2.0]))
    except tf.errors.InvalidArgumentError as error:
        frame = error.__traceback__
        while frame is not None:
            if frame.tb_frame.f_code.co_name == "f":
                print("line", frame.tb_lineno)
            frame = frame.tb_next
        print(str(error))
    print("stopped at", seen, "with", v.numpy())
    """
)


def test_debug_replay_stops_in_the_users_frame(tmp_path, environment):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, env={**environment, "DUOFLOW_DEBUG": "replay"}
    )
    assert done.returncode == 0, done.stderr
    where = SCRIPT.splitlines().index("    return tf.reduce_sum(tf.math.log(y))") + 1
    lines = done.stdout.splitlines()
    assert lines[:2] == ["0.6931", f"line {where}"]
    assert lines[2].startswith("NaN first appears in Log") and f"line {where}" in lines[3]
    assert lines[-1] == "stopped at [None, [-3.0]] with 2.0"
