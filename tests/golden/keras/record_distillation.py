"""Record how Keras distils: python record_distillation.py, where TensorFlow and Keras 3 are installed.

Writes distillation.json beside itself.
"""

import json
from pathlib import Path

import keras
from distillation_cases import CASES, distilled

if __name__ == "__main__":
    found = {}
    for case in CASES:
        keras.utils.clear_session()
        found[case] = distilled(keras, case)
    Path(__file__).with_name("distillation.json").write_text(json.dumps(found) + "\n")
