"""SavedModels that are damaged or mean harm: a clear error, and nothing done outside of the folder."""

import importlib
import itertools
import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.errors import OpError
from duoflow.formats.messages import SavedModel
from duoflow.saved_model.files import object_graph_of

from .models import Everything

#: What loading and calling may raise.
CLEAR = (ValueError, TypeError, OSError, OpError, NotImplementedError)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A whole model in a folder beside a file that is none of its business."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "secret.txt").write_text("secret")
    (folder / "asset.txt").write_text("asset")
    module = Everything(str(folder / "asset.txt"))
    tf.saved_model.save(module, folder / "model", signatures=module.__call__)
    return folder / "model"


@pytest.fixture
def model(sound, tmp_path):
    """A copy of the folder, and its message to change."""
    shutil.copytree(sound, tmp_path / "model")
    return tmp_path / "model", SavedModel.FromString((sound / "saved_model.pb").read_bytes())


def write(folder, message):
    (folder / "saved_model.pb").write_bytes(message.SerializeToString())


def node(message, op):
    functions = message.meta_graphs[0].graph_def.library.function
    return next(n for f in functions for n in f.node_def if n.op == op)


def an_asset_outside(folder, message):
    message.meta_graphs[0].asset_file_def[0].filename = "../../secret.txt"


def an_absolute_asset(folder, message):
    message.meta_graphs[0].asset_file_def[0].filename = str(folder.parent / "secret.txt")


def python_code(folder, message):
    node(message, "Relu").op = "EagerPyFunc"


def writing_files(folder, message):
    node(message, "Relu").op = "WriteFile"


def an_unknown_op(folder, message):
    node(message, "Relu").op = "Explode"


def a_function_that_calls_itself(folder, message):
    for function in message.meta_graphs[0].graph_def.library.function:
        for n in function.node_def:
            for value in n.attr.values():
                if value.WhichOneof("value") == "func":
                    value.func.name = function.signature.name


def doubling_functions(folder, message):
    library = message.meta_graphs[0].graph_def.library
    chosen = next(f for f in library.function if any(n.op == "Relu" for n in f.node_def))
    template = next(f for f in library.function if any(n.op == "StatefulPartitionedCall" for n in f.node_def))
    call = next(n for n in template.node_def if n.op == "StatefulPartitionedCall")
    names = [chosen.signature.name, *(f"level_{i}" for i in range(50))]
    for below, name in itertools.pairwise(names):
        level = library.function.add()
        level.CopyFrom(template)
        level.signature.name = name
        for i in range(2):
            again = level.node_def.add()
            again.CopyFrom(call)
            again.name = f"call_{i}"
            again.attr["f"].func.name = below
    call.attr["f"].func.name = names[-1]


def a_cycle(folder, message):
    relu = node(message, "Relu")
    relu.input[0] = f"{relu.name}:activations:0"


def an_absurd_constant(folder, message):
    value = node(message, "Const").attr["value"].tensor
    value.tensor_shape.dim.add(size=1 << 50)


def an_absurd_variable(folder, message):
    graph = object_graph_of(message.meta_graphs[0])
    variable = next(n for n in graph.nodes if n.WhichOneof("kind") == "variable")
    variable.variable.shape.dim[0].size = 1 << 30
    message.meta_graphs[0].object_graph_def = graph.SerializeToString()


def an_object_that_is_not_there(folder, message):
    graph = object_graph_of(message.meta_graphs[0])
    graph.nodes[0].children[0].node_id = 10**6
    message.meta_graphs[0].object_graph_def = graph.SerializeToString()


def no_graph(folder, message):
    message.ClearField("meta_graphs")


def no_variables(folder, message):
    shutil.rmtree(folder / "variables")


def damaged_variables(folder, message):
    path = folder / "variables" / "variables.data-00000-of-00001"
    path.write_bytes(path.read_bytes()[:-5])


def variables_elsewhere(folder, message):
    shutil.move(folder / "variables", folder.parent / "elsewhere")
    os.symlink(folder.parent / "elsewhere", folder / "variables")


HARM = {
    an_asset_outside: "leads out of the SavedModel's folder",
    an_absolute_asset: "leads out of the SavedModel's folder",
    python_code: "runs Python code or reaches files",
    writing_files: "runs Python code or reaches files",
    an_unknown_op: "not registered 'Explode'",
    a_function_that_calls_itself: "calls itself|takes",
    doubling_functions: "unfolds to",
    a_cycle: "cycle through",
    an_absurd_constant: "more elements",
    an_absurd_variable: "its value in the checkpoint",
    an_object_that_is_not_there: "leads to none",
    no_graph: "holds no graph",
    no_variables: "has no value",
    damaged_variables: "damaged|does not match",
    variables_elsewhere: "leads out of the SavedModel's folder",
}  # fmt: skip


def use(folder):
    """Load a model and run all that it offers."""
    loaded = tf.saved_model.load(folder)
    if isinstance(loaded, list | dict):
        return
    functions = [f for v in vars(loaded).values() for f in getattr(v, "concrete_functions", ())]
    for concrete in [*functions, *dict(getattr(loaded, "signatures", {})).values()]:
        concrete(**{t.node.name: tf.zeros([d or 1 for d in t.dims], t.dtype) for t in concrete.graph.inputs})


@pytest.mark.parametrize("harm", HARM, ids=lambda f: f.__name__)
def test_harm_is_refused(harm, model):
    folder, message = model
    harm(folder, message)
    write(folder, message)
    with pytest.raises(CLEAR, match=HARM[harm]):
        use(folder)


@pytest.mark.parametrize("what", ["cut", "bytes", "fields"])
def test_damaged_files_give_clear_errors(what, model):
    folder, _ = model
    seed = int(os.environ.get("DUOFLOW_FUZZ_SEED", random.SystemRandom().randrange(1 << 30)))
    rng = random.Random(seed)
    good = (folder / "saved_model.pb").read_bytes()
    before = sorted(p.name for p in folder.parent.iterdir())
    for trial in range(12):
        (folder / "saved_model.pb").write_bytes(_damaged(rng, good, what))
        try:
            use(folder)
        except CLEAR:
            pass
        except Exception as error:
            pytest.fail(f"DUOFLOW_FUZZ_SEED={seed}, trial {trial} ({what}): {type(error).__name__}: {error}")
    assert sorted(p.name for p in folder.parent.iterdir()) == before
    assert Path(folder, "assets").is_dir()


def _damaged(rng, good, what):
    data = bytearray(good)
    if what == "cut":
        return bytes(data[: rng.randrange(len(data))])
    for _ in range(rng.randrange(1, 8)):
        at = rng.randrange(len(data))
        if what == "bytes":
            data[at] = rng.randrange(256)
        else:
            size = rng.randrange(1, 64)
            other = rng.randrange(len(data))
            data[at : at + size] = data[other : other + size]
    return bytes(data)


def test_nothing_of_a_save_that_failed_is_left(tmp_path, monkeypatch):
    module = tf.Module()
    module.v = tf.Variable(np.ones(3, "f"))
    tf.saved_model.save(module, tmp_path / "model")

    def full(*args):
        raise OSError("No space left on device")

    monkeypatch.setattr(importlib.import_module("duoflow.saved_model.save"), "write_bundle", full)
    module.v.assign(np.zeros(3))
    with pytest.raises(OSError, match="No space left"):
        tf.saved_model.save(module, tmp_path / "model")
    assert [p.name for p in tmp_path.iterdir()] == ["model"]
    assert tf.saved_model.load(tmp_path / "model").v.numpy().tolist() == [1, 1, 1]
