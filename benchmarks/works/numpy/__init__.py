"""NumPy code: the floor of an eager call, and the BLAS it was built with."""
