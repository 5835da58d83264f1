"""Which callables are left as they are: ours, Python's library, and libraries that never see a symbolic tensor."""

import os
import sysconfig
from functools import lru_cache
from pathlib import Path
from types import FunctionType

#: Packages that compute with values, or that only pass the user's functions on.
LIBRARIES = frozenset(
    "absl attr attrs cloudpickle h5py hypothesis IPython joblib keras_tuner llvmlite matplotlib ml_dtypes numpy optree "
    "pandas PIL pluggy psutil pydantic pytest _pytest rich scipy seaborn skimage sklearn tqdm wrapt".split()
)
_PACKAGE = str(Path(__file__).resolve().parents[2]) + os.sep
_LIBRARY = tuple({str(Path(sysconfig.get_path(key)).resolve()) + os.sep for key in ("stdlib", "platstdlib")})


def is_ours(function: FunctionType) -> bool:
    """Whether a function is duoflow's own."""
    return _place(function.__code__.co_filename) == "duoflow"


def is_allowed(function: FunctionType) -> bool:
    """Whether a function runs as it is: duoflow's, Python's or a library's."""
    if _place(function.__code__.co_filename) != "user":
        return True
    module = function.__globals__.get("__name__")
    return isinstance(module, str) and module.partition(".")[0] in LIBRARIES


@lru_cache(maxsize=4096)
def _place(filename: str) -> str:
    if filename.startswith(_PACKAGE):
        return "duoflow"
    if filename.startswith("<frozen "):
        return "python"
    if filename.startswith(_LIBRARY) and "site-packages" not in filename and "dist-packages" not in filename:
        return "python"
    return "user"
