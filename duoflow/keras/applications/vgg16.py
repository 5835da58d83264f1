"""VGG: keras.applications.vgg16."""

from .imagenet_utils import decode_predictions, preprocessing
from .vgg import VGG16

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("caffe")
