"""Record what Keras computes with its `stateless_` methods, on JAX: its TensorFlow backend has no `stateless_apply`.

python tests/golden/keras/record_stateless.py, where Keras and JAX are installed; writes stateless.json beside itself.
"""

import json
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"

import jax
import keras
from stateless_cases import OPTIMIZERS, trained


def compiled(loss):
    """The loss with its gradients."""
    return jax.value_and_grad(loss, has_aux=True)


compiled.jit = jax.jit

if __name__ == "__main__":
    recorded = {name: trained(keras, optimizer, compiled) for name, optimizer in OPTIMIZERS.items()}
    Path(__file__).with_name("stateless.json").write_text(json.dumps(recorded) + "\n")
