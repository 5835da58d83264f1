"""Random numbers: `tf.random`."""

from types import SimpleNamespace as _Namespace

from duoflow.ops import (
    Algorithm,
    Generator,
    create_rng_state,
    get_global_generator,
    set_global_generator,
    stateless_binomial,
    stateless_categorical,
    stateless_gamma,
    stateless_normal,
    stateless_parameterized_truncated_normal,
    stateless_poisson,
    stateless_truncated_normal,
    stateless_uniform,
)
from duoflow.ops import (
    random_categorical as categorical,
)
from duoflow.ops import (
    random_fold_in as fold_in,
)
from duoflow.ops import (
    random_gamma as gamma,
)
from duoflow.ops import (
    random_normal as normal,
)
from duoflow.ops import (
    random_poisson as poisson,
)
from duoflow.ops import (
    random_shuffle as shuffle,
)
from duoflow.ops import (
    random_split as split,
)
from duoflow.ops import (
    random_truncated_normal as truncated_normal,
)
from duoflow.ops import (
    random_uniform as uniform,
)
from duoflow.ops import (
    set_global_seed as set_seed,
)
from duoflow.ops import (
    stateless_shuffle as _stateless_shuffle,
)

experimental = _Namespace(
    Algorithm=Algorithm,
    Generator=Generator,
    create_rng_state=create_rng_state,
    get_global_generator=get_global_generator,
    set_global_generator=set_global_generator,
    stateless_fold_in=fold_in,
    stateless_shuffle=_stateless_shuffle,
    stateless_split=split,
)

__all__ = [
    "Algorithm",
    "Generator",
    "categorical",
    "create_rng_state",
    "experimental",
    "fold_in",
    "gamma",
    "get_global_generator",
    "normal",
    "poisson",
    "set_global_generator",
    "set_seed",
    "shuffle",
    "split",
    "stateless_binomial",
    "stateless_categorical",
    "stateless_gamma",
    "stateless_normal",
    "stateless_parameterized_truncated_normal",
    "stateless_poisson",
    "stateless_truncated_normal",
    "stateless_uniform",
    "truncated_normal",
    "uniform",
]
