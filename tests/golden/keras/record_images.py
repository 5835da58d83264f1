"""Records what Keras' image layers do: `python record_images.py > images.json` with an interpreter that has Keras 3."""

import json

import keras
from image_cases import LAYERS, record

print(json.dumps({expression: record(expression, keras) for expression in LAYERS}, separators=(",", ":")))
