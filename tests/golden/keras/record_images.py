"""Records what Keras' image layers and operations do: `python record_images.py > images.json` with an interpreter that has Keras 3."""

import json

import keras
from image_cases import BOXED, LAYERS, OPERATIONS, record, record_boxes, record_operation

layers = {expression: record(expression, keras) for expression in LAYERS}
operations = {expression: record_operation(expression, keras) for expression in OPERATIONS}
boxes = {f"boxes of {expression}": record_boxes(expression, keras) for expression in BOXED}
print(json.dumps({**layers, **operations, **boxes}, separators=(",", ":")))
