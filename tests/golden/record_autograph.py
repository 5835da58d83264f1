"""Records what TensorFlow returns or raises for the programs of tests/trace/autograph/programs.py.

    python tests/golden/record_autograph.py        # in an environment with TensorFlow; writes autograph.json
"""

import importlib.util
import json
from pathlib import Path

import tensorflow as tf

HERE = Path(__file__).parent
TABLE = HERE.parent / "trace" / "autograph" / "programs.py"


def main() -> None:
    spec = importlib.util.spec_from_file_location("programs", TABLE)
    programs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(programs)
    programs.tf = tf
    outcomes = {}
    for name, (function, calls) in programs.PROGRAMS.items():
        traced = tf.function(function)
        outcomes[name] = [outcome(traced, arguments) for arguments in calls]
    text = json.dumps(outcomes, indent=1, sort_keys=True)
    (HERE / "autograph.json").write_text(text + "\n")


def outcome(function, arguments):
    try:
        result = function(*[tf.constant(argument) for argument in arguments])
    except Exception as error:
        return {"raises": type(error).__name__, "message": str(error).strip().splitlines()[-1][:200]}
    leaves = [tf.convert_to_tensor(leaf) for leaf in tf.nest.flatten(result)]
    return {"returns": [[leaf.dtype.name, leaf.numpy().tolist()] for leaf in leaves]}


if __name__ == "__main__":
    main()
