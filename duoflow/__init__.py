"""duoflow: runs TensorFlow and Keras programs. `import duoflow as tf`."""

from duoflow.core.autodiff import GradientTape, gradients
from duoflow.core.graph import Graph
from duoflow.core.tensor import Tensor, convert
from duoflow.core.variables import Variable
from duoflow.ops import *
