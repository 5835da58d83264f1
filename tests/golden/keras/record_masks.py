"""Records what Keras' layers make of masks: the masks of their outputs, and the outputs where they look at masks.

Run with an interpreter that has TensorFlow and Keras 3: `python record_masks.py > masks.json`. Layers that raise for a
mask have the name of the error.
"""

import json
import warnings

import keras
import numpy as np
import tensorflow as tf
from layer_cases import CASES, called, inputs_of, masks_of
from record_layers import made, rounded


def record(case):
    layer, _ = made(case)
    inputs = [tf.convert_to_tensor(x) for x in inputs_of(case)]
    for x, mask in zip(inputs, masks_of(case), strict=True):
        x._keras_mask = tf.convert_to_tensor(mask)
    try:
        outputs = keras.tree.flatten(called(layer, case, inputs))
    except Exception as error:
        return type(error).__name__
    masks = [getattr(x, "_keras_mask", None) for x in outputs]
    return {
        "masks": [None if mask is None else np.asarray(mask).astype(int).tolist() for mask in masks],
        "outputs": [rounded(x) for x in outputs],
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    found = {name: record(case) for name, case in CASES.items() if masks_of(case) is not None}
    print(json.dumps(found, separators=(",", ":")))
