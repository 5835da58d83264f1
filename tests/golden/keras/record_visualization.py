"""Records what Keras draws into visualization.npz.

Run with an interpreter that has TensorFlow, Keras 3 and OpenCV: `python record_visualization.py`.
"""

from pathlib import Path

import keras
import numpy as np
from visualization_cases import BOXES, MASKS, SPACE

drawn = {case: np.asarray(eval(case, {"visualization": keras.visualization, **SPACE})) for case in (*BOXES, *MASKS)}
np.savez_compressed(
    Path(__file__).with_name("visualization.npz"), **{str(i): value for i, value in enumerate(drawn.values())}
)
