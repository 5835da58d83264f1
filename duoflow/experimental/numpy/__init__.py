"""`tf.experimental.numpy`: NumPy's functions on tensors, with NumPy's dtypes and broadcasting.

>>> import duoflow.experimental.numpy as tnp
>>> tnp.add(tnp.linspace(0, 1, 3), tnp.arange(3))
<tf.Tensor: shape=(3,), dtype=float64, numpy=array([0. , 1.5, 3. ])>
"""

import numpy as _np

from duoflow.core.tensor import Tensor as ndarray

from . import random
from .arrays import *
from .behavior import experimental_enable_numpy_behavior
from .creation import *
from .elementwise import *
from .products import *
from .promotion import asarray, result_type
from .reductions import *

e, inf, newaxis, pi = _np.e, _np.inf, None, _np.pi
bool_, int8, int16, int32, int64 = _np.bool_, _np.int8, _np.int16, _np.int32, _np.int64
uint8, uint16, uint32, uint64 = _np.uint8, _np.uint16, _np.uint32, _np.uint64
float16, float32, float64, complex64, complex128 = _np.float16, _np.float32, _np.float64, _np.complex64, _np.complex128
int_, float_, complex_, inexact, object_ = _np.int64, _np.float64, _np.complex128, _np.inexact, _np.object_
string_, unicode_ = _np.bytes_, _np.str_
finfo, iinfo, issubdtype, promote_types = _np.finfo, _np.iinfo, _np.issubdtype, _np.promote_types
