"""`install_as_tensorflow`: which module each imported name gives, and what cannot be imported."""

import importlib
import sys
import types

import pytest

import duoflow
from duoflow.tools import alias

SAME_MODULE = {
    "tensorflow": "duoflow",
    "tensorflow.nn": "duoflow.nn",
    "tensorflow.keras": "duoflow.keras",
    "tensorflow.keras.layers": "duoflow.keras.layers",
    "tensorflow.compat.v1": "duoflow.compat.v1",
    "tensorflow.compat.v2": "duoflow",
    "tensorflow.compat.v2.nn": "duoflow.nn",
    "keras": "duoflow.keras",
    "keras.layers": "duoflow.keras.layers",
}

SAME_OBJECT = """
    from tensorflow import keras; assert keras is duoflow.keras
    from keras import layers; assert layers is duoflow.keras.layers
    import tensorflow.compat.v1 as tf; assert tf is duoflow.compat.v1
    import tensorflow.keras.layers as layers; assert layers is duoflow.keras.layers
    from tensorflow.keras.layers import Dense; assert Dense is duoflow.keras.layers.Dense
    from tensorflow.keras.models import Sequential; assert Sequential is duoflow.keras.Sequential
    from tensorflow import constant, Variable; assert Variable is duoflow.Variable
"""

REFUSED = {
    "tensorflow.python.framework.ops": "private to TensorFlow",
    "tensorflow.core.framework": "private to TensorFlow",
    "tensorflow.python.keras.layers": "import the public name from 'tensorflow'",
    "keras.src.layers": "import the public name from 'tensorflow.keras'",
    "tensorflow.contrib.slim": "removed tf.contrib",
    "tensorflow.no_such_module": "duoflow has no 'duoflow.no_such_module'",
    "keras.layers.no_such_module": "duoflow has no 'duoflow.keras.layers.no_such_module'",
}


@pytest.mark.parametrize(("name", "ours"), SAME_MODULE.items())
def test_a_name_gives_our_module_itself(name, ours):
    module = importlib.import_module(ours)
    spec = module.__spec__
    alias.install_as_tensorflow()
    assert importlib.import_module(name) is module
    assert sys.modules[name] is module
    assert (module.__name__, module.__spec__) == (ours, spec)


@pytest.mark.parametrize("statement", [line.strip() for line in SAME_OBJECT.strip().splitlines()])
def test_statements_as_people_write_them(statement):
    alias.install_as_tensorflow()
    exec(statement, {"duoflow": duoflow})


@pytest.mark.parametrize(("name", "why"), REFUSED.items())
def test_what_is_not_there_says_why(name, why):
    alias.install_as_tensorflow()
    with pytest.raises(ImportError, match="No module named") as caught:
        importlib.import_module(name)
    assert why in str(caught.value)


def test_tensorflow_1_means_its_names():
    alias.install_as_tensorflow(tf1=True)
    tensorflow = importlib.import_module("tensorflow")
    assert tensorflow is duoflow.compat.v1
    assert importlib.import_module("tensorflow.keras.layers") is duoflow.keras.layers
    alias.install_as_tensorflow(tf1=False)
    assert importlib.import_module("tensorflow") is duoflow


def test_uninstall_forgets_the_aliases():
    alias.install_as_tensorflow()
    importlib.import_module("tensorflow.keras")
    alias.uninstall()
    assert not {"tensorflow", "tensorflow.keras"} & set(sys.modules)
    assert not any(isinstance(finder, alias.Finder) for finder in sys.meta_path)


def test_the_real_one_must_not_be_there_already(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", types.ModuleType("tensorflow"))
    with pytest.raises(ImportError, match="already imported"):
        alias.install_as_tensorflow()
