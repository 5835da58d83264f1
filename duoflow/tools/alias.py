"""Lets `import tensorflow` and `import keras` mean duoflow in this process.

`install_as_tensorflow` puts a finder in front of `sys.meta_path`. It answers for the names `tensorflow`, `keras` and
everything below them with duoflow's own module objects: `tensorflow.keras.layers is duoflow.keras.layers`. Nothing is
copied, wrapped or executed twice. Names that are TensorFlow's internals raise an ImportError that says so.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

from duoflow.core.context import context

INTERNAL = ("tensorflow.python", "tensorflow.core", "tensorflow.compiler", "tensorflow.lite", "keras.src")
REMOVED = {"tensorflow.contrib": "TensorFlow removed tf.contrib in 2.0; use the tf.* or tf.keras.* name in its place"}
#: Modules of TensorFlow 1 that were not part of `tf`.
TF1_MODULES = {
    "tensorflow.examples": "duoflow.compat.v1.examples",
    "tensorflow.examples.tutorials": "duoflow.compat.v1.examples",
    "tensorflow.examples.tutorials.mnist": "duoflow.compat.v1.examples",
    "tensorflow.examples.tutorials.mnist.input_data": "duoflow.compat.v1.contrib.mnist",
    "tensorflow.contrib.learn.datasets.mnist": "duoflow.compat.v1.contrib.mnist",
}


def install_as_tensorflow(tf1: bool = False) -> None:
    """Makes `import tensorflow` and `import keras` mean duoflow, from now on and in this process only.

    >>> tf.install_as_tensorflow()
    >>> from tensorflow.keras.layers import Dense
    >>> Dense is tf.keras.layers.Dense
    True

    Args:
        tf1: whether `tensorflow` means TensorFlow 1's names (`duoflow.compat.v1`).

    Raises:
        ImportError: the real TensorFlow or Keras was imported before; a process can hold only one of them.
    """
    uninstall()
    for name in ("tensorflow", "keras"):
        if name in sys.modules:
            raise ImportError(
                f"the real {name!r} is already imported ({getattr(sys.modules[name], '__file__', 'built in')}); "
                "call install_as_tensorflow() before anything imports it"
            )
    sys.meta_path.insert(0, Finder(tf1))
    if tf1:  # a TensorFlow 1 program builds the default graph from its first line
        importlib.import_module("duoflow.compat.v1").disable_v2_behavior()


def uninstall() -> None:
    """Undoes `install_as_tensorflow`: eager mode again, and modules imported under the aliases are forgotten."""
    installed = [finder for finder in sys.meta_path if isinstance(finder, Finder)]
    if not installed:
        return
    if any(finder.tf1 for finder in installed):
        context.graph = None
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, Finder)]
    for name in [name for name in sys.modules if name.partition(".")[0] in ("tensorflow", "keras")]:
        del sys.modules[name]


class Finder:
    """Finds the aliases; a spec's loader hands out the module that exists already."""

    def __init__(self, tf1: bool) -> None:
        self.tf1 = tf1

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None):
        """The spec of an alias, or None for every other name."""
        if name.partition(".")[0] not in ("tensorflow", "keras"):
            return None
        if not self.tf1:
            refuse_removed(name)
        refuse_internals(name)
        module = self.resolve(name)
        return ModuleSpec(name, SameModule(module), is_package=hasattr(module, "__path__"))

    def resolve(self, name: str) -> ModuleType:
        """The module of duoflow that `name` stands for."""
        if name == "keras" or name.startswith("keras."):
            return find("duoflow." + name, name)
        if name == "tensorflow":
            return find("duoflow.compat.v1" if self.tf1 else "duoflow", name)
        if self.tf1 and name in TF1_MODULES:
            return find(TF1_MODULES[name], name)
        rest = name.removeprefix("tensorflow.")
        if rest == "compat.v2" or rest.startswith("compat.v2."):
            return find("duoflow" + rest.removeprefix("compat.v2"), name)
        if self.tf1:
            module = attribute(importlib.import_module("duoflow.compat.v1"), rest)
            if module is not None:
                return module
        return find("duoflow." + rest, name)


class SameModule:
    """A loader whose module exists already: importing gives it another name and leaves it untouched."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module itself. (The import system then sets its __spec__, which exec_module puts right.)"""
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is executed."""
        module.__spec__ = self.spec


def find(target: str, name: str) -> ModuleType:
    """Import `target`, or take it as an attribute where a namespace is not a file of its own."""
    try:
        return importlib.import_module(target)
    except ModuleNotFoundError as error:
        if error.name is None or not (target + ".").startswith(error.name + "."):
            raise
    module = attribute(importlib.import_module("duoflow"), target.removeprefix("duoflow."))
    if module is None:
        raise ModuleNotFoundError(f"No module named {name!r}: duoflow has no {target!r}", name=name)
    return module


def attribute(module: ModuleType, dotted: str) -> ModuleType | None:
    """`module.a.b` for "a.b" where every step is a module, else None."""
    for part in dotted.split("."):
        module = getattr(module, part, None)
        if not isinstance(module, ModuleType):
            return None
    return module


def refuse_removed(name: str) -> None:
    """Raises for what only TensorFlow 1 had."""
    for prefix, why in REMOVED.items():
        if name == prefix or name.startswith(prefix + "."):
            raise ImportError(f"No module named {name!r}: {why}", name=name)


def refuse_internals(name: str) -> None:
    """Raises for names no program can rely on."""
    for prefix in INTERNAL:
        if name == prefix or name.startswith(prefix + "."):
            public = "tensorflow.keras" if ".keras" in name or prefix == "keras.src" else "tensorflow"
            raise ImportError(
                f"No module named {name!r}: {prefix!r} is private to TensorFlow and has no counterpart in duoflow; "
                f"import the public name from {public!r}",
                name=name,
            )
