"""`tf.experimental`."""

from types import SimpleNamespace

from duoflow.core.dlpack import from_dlpack, to_dlpack
from duoflow.core.optional import Optional

from . import numpy

dlpack = SimpleNamespace(from_dlpack=from_dlpack, to_dlpack=to_dlpack)

__all__ = ["Optional", "dlpack", "numpy"]
