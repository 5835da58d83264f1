"""`duoflow show`: the graphs of a script after each pass, and what the engine made of them."""

import subprocess
import sys

import pytest

SCRIPT = """
import tensorflow as tf

w = tf.Variable(tf.ones([4, 3]), name="w")

@tf.function
def step(x):
    w.assign_sub(0.5 * tf.nn.softmax(tf.matmul(x, w) * 1.0))
    return tf.reduce_sum(w)

print("result", round(float(step(tf.ones([4, 4]))), 3), round(float(step(tf.zeros([4, 4]))), 3))
"""


@pytest.fixture(scope="module")
def show(tmp_path_factory, environment):
    """Run `duoflow show` on the script; returns what it printed."""
    folder = tmp_path_factory.mktemp("show")
    (folder / "script.py").write_text(SCRIPT)

    def run(*options):
        command = [sys.executable, "-m", "duoflow", "show", *options, "script.py"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def headings(text):
    return [line.removeprefix("--- ").partition(":")[0] for line in text.splitlines() if line.startswith("--- ")]


def test_every_pass_that_changed_the_graph_is_shown_once(show):
    text = show("--function", "step")
    stages = headings(text)
    assert stages[0] == "traced"
    assert {"state", "expand", "simplify"} <= set(stages)
    assert len(stages) == len(set(stages))
    assert text.index("= Softmax(") < text.index("Softmax/Exp")
    assert text.endswith("result 10.0 8.0\n")


def test_passes_and_origins_can_be_chosen(show):
    text = show("--function", "step", "--passes", "traced", "--origins")
    assert headings(text) == ["traced"]
    assert "script.py:8" in text


def test_kernels_say_where_they_run(show):
    text = show("--function", "step", "--passes", "none", "--kernels")
    (kernels,) = headings(text)
    assert "step" in kernels
    rows = text.split("what\n")[1].split("\n\n")[0].splitlines()
    assert any(row.split()[0] == "native" and "MatMul" in row for row in rows)


def test_modules_are_shown_as_ir_and_machine_code(show):
    text = show("--passes", "none", "--ir", "--assembly")
    assert "define void @kernel" in text
    assert "--- assembly of" in text
