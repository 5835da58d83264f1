"""VGG: keras.applications.vgg19."""

from .imagenet_utils import decode_predictions, preprocessing
from .vgg import VGG19

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("caffe")
