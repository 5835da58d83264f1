"""keras.utils."""

from ..naming import to_snake_case
from ..preferences import disable_interactive_logging, enable_interactive_logging, is_interactive_logging_enabled
from ..saving.object_registration import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..state import clear_session
from ..symbolic import is_keras_tensor
from ..variables import standardize_dtype
from . import bounding_boxes, legacy
from .batches import *
from .config import Config
from .directories import *
from .feature_space import FeatureSpace
from .files import get_file
from .graphs import get_source_inputs
from .images import array_to_img, img_to_array, load_img, save_img
from .numerical import *
from .plotting import model_to_dot, plot_model
from .progbar import Progbar
from .py_dataset import PyDataset
from .py_dataset import PyDataset as Sequence
from .seeds import set_random_seed
from .sequences import *
from .splitting import split_dataset
