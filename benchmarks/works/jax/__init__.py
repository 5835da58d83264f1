"""JAX code: functions of pytrees of parameters, compiled with jax.jit, Adam written out."""
