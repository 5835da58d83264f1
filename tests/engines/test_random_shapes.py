"""The native engine and the reference agree for sizes and types drawn anew in every run; failures name their seed."""

import platform
import secrets
import subprocess
import sys

import pytest

from tests.engines.agreement import agree
from tests.engines.random_shapes import draw

SEEDS = [secrets.randbelow(1 << 32) for _ in range(60)]


@pytest.mark.parametrize("place", range(len(SEEDS)))
def test_engines_agree(place):
    seed = SEEDS[place]
    name, function, arrays, rtol, atol = draw(seed)
    try:
        agree(function, *arrays, rtol=rtol, atol=atol)
    except Exception as error:
        error.add_note(f"draw({seed}): {name} of {[(a.shape, a.dtype.name) for a in arrays]}")
        raise


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["avx2", "sse2"])
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="needs a processor of that family")
def test_they_do_with_the_code_for_lesser_processors(kind, environment, tmp_path):
    command = [sys.executable, "-m", "tests.engines.other_processor", kind, "60"]
    run = subprocess.run(
        command, env=environment | {"DUOFLOW_CACHE": str(tmp_path)}, capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr[-2000:]
