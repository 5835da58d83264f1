"""Public names: those TensorFlow has that we have too, with TensorFlow's parameters in TensorFlow's order."""

import inspect
import json

import pytest

from tests.golden.record_api_surface import TABLE, find

NAMES = json.loads(TABLE.read_text())

#: Constructors that nobody calls with these parameters; functions that are one for tf and Keras.
OTHER_PARAMETERS = {
    "keras.KerasTensor",
    "keras.tree.assert_same_structure",
    "keras.tree.is_nested",
    "tf.DType",
    "tf.Graph",
    "tf.Variable",
    "tf.constant_initializer",
    "tf.data.Dataset",
    "tf.data.Iterator",
    "tf.dtypes.DType",
    "tf.types.experimental.ConcreteFunction",
    "tf.types.experimental.GenericFunction",
    "tf.types.experimental.PolymorphicFunction",
}


@pytest.mark.parametrize("group", ["tf", "keras"])
def test_no_name_gets_lost(group):
    missing = []
    for symbol in NAMES:
        if symbol.split(".")[0] == group:
            try:
                find(symbol)
            except AttributeError:
                missing.append(symbol)
    assert not missing


def test_parameters_are_tensorflows():
    wrong = {}
    for symbol, expected in NAMES.items():
        if expected is None or symbol in OTHER_PARAMETERS:
            continue
        try:
            signature = inspect.signature(find(symbol))
        except (TypeError, ValueError):
            continue  # built-in types have none
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        found = [p.name for p in signature.parameters.values() if p.kind in kinds]
        if found[: len(expected)] != expected:
            wrong[symbol] = (found, expected)
    assert not wrong
