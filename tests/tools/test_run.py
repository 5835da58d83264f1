"""`duoflow run`: a script behaves as under python, and the scripts of TensorFlow 1 are recognised."""

import subprocess
import sys

import pytest

from duoflow.tools.run import tf1_names

# Scripts of which python and `duoflow run` must say the same on both streams and with the same status.
AS_PYTHON = {
    "arguments": "import sys; print(sys.argv[1:], __name__, __file__, sys.path[0])",
    "status": "raise SystemExit(7)",
    "message": "raise SystemExit('a message')",
    "exception": "def f():\n    return 1 / 0\n\n\nf()\n",
    "chained": "try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('b') from e\n",
    "syntax": "print('never')\nif True\n",
    "interrupt": "raise KeyboardInterrupt\n",
    "hook": "import sys\nsys.excepthook = lambda *a: print('hook', a[0].__name__)\nraise ValueError\n",
    "exit": "import atexit\natexit.register(print, 'bye')\nprint('hello', flush=True)\n",
    "pickle": "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A, A.__module__)\n",
    "coding": "# -*- coding: latin-1 -*-\nprint(len('\u00e9'))\n",
    "source": "import inspect\ndef f():\n    return 1\n\nprint(inspect.getsource(f))\n",
}


@pytest.fixture
def outcome(environment):
    """What a process wrote and its status (an interrupted python may end by the signal itself)."""

    def run(*command, cwd):
        done = subprocess.run([sys.executable, *command], cwd=cwd, capture_output=True, text=True, env=environment)
        return done.stdout, done.stderr, 130 if done.returncode == -2 else done.returncode

    return run


@pytest.mark.parametrize(("name", "text"), AS_PYTHON.items(), ids=AS_PYTHON)
def test_a_script_runs_as_under_python(name, text, tmp_path, outcome):
    (tmp_path / "script.py").write_text(text, encoding="latin-1" if name == "coding" else "utf-8")
    arguments = ["script.py", "a", "--tf1", "-h"]
    assert outcome("-m", "duoflow", "run", *arguments, cwd=tmp_path) == outcome(*arguments, cwd=tmp_path)


def test_the_script_imports_what_lies_beside_it(tmp_path, outcome):
    (tmp_path / "beside.py").write_text("import tensorflow as tf\nvalue = tf.constant(2.0) + 1.0\n")
    (tmp_path / "script.py").write_text("import beside, keras\nprint(beside.value.numpy(), beside.tf.keras is keras)\n")
    out, error, status = outcome("-m", "duoflow", "run", str(tmp_path / "script.py"), cwd=tmp_path.parent)
    assert (out, status) == ("3.0 True\n", 0), error


def test_a_module_runs_too(tmp_path, outcome):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").write_text("import sys, keras\nprint(keras.__name__, sys.argv[1:])\n")
    out, error, status = outcome("-m", "duoflow", "run", "-m", "package", "x", cwd=tmp_path)
    assert (out, status) == ("duoflow.keras ['x']\n", 0), error


def test_tensorflow_1_is_recognised_and_can_be_overruled(tmp_path, outcome):
    (tmp_path / "script.py").write_text("import tensorflow as tf\nprint(tf.placeholder(tf.float32, [2]).shape)\n")
    assert outcome("-m", "duoflow", "run", "script.py", cwd=tmp_path)[::2] == ("(2,)\n", 0)
    _, error, status = outcome("-m", "duoflow", "run", "--no-tf1", "script.py", cwd=tmp_path)
    assert status == 1
    assert "placeholder" in error


def test_a_missing_file_is_said_as_python_says_it(tmp_path, outcome):
    out, error, status = outcome("-m", "duoflow", "run", "nowhere.py", cwd=tmp_path)
    assert (out, status) == ("", 2)
    assert "can't open file 'nowhere.py'" in error


TF1 = {
    "import tensorflow as tf\ntf.placeholder(tf.float32)": ["placeholder"],
    "import tensorflow\ntensorflow.Session().run(0)": ["Session"],
    "import tensorflow as tf\ntf.train.AdamOptimizer(0.1).minimize(x)": ["train.AdamOptimizer"],
    "import tensorflow as tf\ntf.contrib.slim.conv2d(x)\ntf.app.run()": ["app", "contrib"],
    "from tensorflow import placeholder, Session": ["placeholder", "Session"],
    "def f():\n    import tensorflow as t\n    return t.get_variable('w')": ["get_variable"],
    "import tensorflow as tf\ntf.keras.layers.Dense(1)\ntf.nn.relu(x)": [],
    "import tensorflow as tf\ntf.compat.v1.placeholder(tf.float32)": [],
    "import tensorflow.compat.v1 as tf\ntf.placeholder(tf.float32)": [],
    "import numpy as tf\ntf.log(2.0)": [],
    "import tensorflow as tf\nmodel.layers, self.tf.layers": [],
    "from tensorflow.keras import layers": [],
    "from . import layers": [],
}


@pytest.mark.parametrize(("source", "names"), TF1.items())
def test_names_of_tensorflow_1(source, names):
    assert sorted(tf1_names(source)) == sorted(names)


def test_a_seed_makes_runs_repeat(tmp_path, outcome):
    script = tmp_path / "script.py"
    script.write_text(
        "import random, numpy as np, tensorflow as tf\n"
        "layer = tf.keras.layers.Dense(1)\nlayer.build((None, 2))\n"
        "print(random.random(), np.random.rand(), tf.random.normal([1]).numpy(), layer.kernel.numpy())\n"
    )
    runs = [
        outcome("-m", "duoflow", "run", *options, str(script), cwd=tmp_path)[0]
        for options in ([], ["--seed", "3"], ["--seed", "3"])
    ]
    assert runs[1] == runs[2] != runs[0] and runs[1]
