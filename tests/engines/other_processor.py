"""Run draws of `random_shapes` as on a processor that has less than this one: `... other_processor avx2|sse2 COUNT`."""

import secrets
import sys

from duoflow.engines.native import target

LATER = {"avx2": ("avx512", "avx10", "evex512")}
LATER["sse2"] = (*LATER["avx2"], "avx", "fma", "f16c", "xop", "vaes", "vpcl", "sse3", "ssse3", "sse4", "bmi", "gfni")
NAMES = {"avx2": "haswell", "sse2": "x86-64"}


def pretend(kind: str) -> target.Target:
    """Hide from LLVM what came later; this must be the first to ask for the processor."""
    llvm = target.binding()
    features = {name: on and not name.startswith(LATER[kind]) for name, on in llvm.get_host_cpu_features().items()}
    llvm.get_host_cpu_features = lambda: features
    llvm.get_host_cpu_name = lambda: NAMES[kind]
    return target.host()


if __name__ == "__main__":
    kind, count = sys.argv[1:]
    assert pretend(kind).vector_bytes == {"avx2": 32, "sse2": 16}[kind]
    from tests.engines.agreement import agree
    from tests.engines.random_shapes import draw

    for seed in [secrets.randbelow(1 << 32) for _ in range(int(count))]:
        name, function, arrays, rtol, atol = draw(seed)
        try:
            agree(function, *arrays, rtol=rtol, atol=atol)
        except Exception as error:
            error.add_note(f"{kind}: draw({seed}), {name}")
            raise
