"""A worker: one framework in a process of its own, told over its standard input what to measure.

Requests and replies are lines of JSON. Whatever the framework prints goes to standard error, never between them.

    {"do": "prepare", "work": "mlp_step"}   builds the work and calls it once   -> seconds of that call
    {"do": "round", "seconds": 0.1}         calls it again and again            -> seconds per call in this round, and
                                                                               those of all processors together
    {"do": "memory"}                                                            -> the process's peak in MiB
"""

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Sequence


class Bench:
    """The work being measured."""

    def __init__(self, works: Sequence[str]) -> None:
        self.works = works
        self.step: Callable[[], object] | None = None
        self.per_call = 1e-6  # seconds, the latest estimate

    def prepare(self, module: str, work: str, arguments: list[int]) -> dict:
        """Build the work and make the first call, which compiles."""
        self.step = None
        names = [f"benchmarks.works.{package}.{module}" for package in self.works]
        modules = [importlib.import_module(name) for name in names if importlib.util.find_spec(name)]
        implementations = [getattr(module, work) for module in modules if hasattr(module, work)]
        if not implementations:
            return {"reason": f"{' and '.join(self.works)} has no such thing"}
        self.step = implementations[0](*arguments)
        start = time.perf_counter()
        self.step()
        first = time.perf_counter() - start
        self.per_call = self.time(1)
        return {"first_call": first}

    def time(self, calls: int) -> float:
        """Seconds per call."""
        step = self.step
        start = time.perf_counter()
        for _ in range(calls):
            step()
        return (time.perf_counter() - start) / calls

    def round(self, seconds: float) -> dict:
        """One measured round of about `seconds`."""
        calls, processor = max(1, min(100_000, int(seconds / self.per_call))), time.process_time()
        self.per_call = self.time(calls)
        return {"per_call": self.per_call, "processor": (time.process_time() - processor) / calls}


def peak_memory() -> float | None:
    """The process's largest resident size so far, in MiB; None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> None:
    """Serve requests until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("framework")
    parser.add_argument("works")
    options = parser.parse_args()
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    if options.framework == "duoflow":
        import duoflow

        duoflow.install_as_tensorflow()
    bench = Bench(options.works.split(","))
    requests = {"prepare": bench.prepare, "round": bench.round, "memory": lambda: {"peak_mib": peak_memory()}}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = requests[request.pop("do")](**request)
        except Exception as error:  # the driver shows the reason in the table
            text = str(error).strip() or "no message"
            reply = {"reason": f"{type(error).__name__}: {text.splitlines()[0]}"}
        print(json.dumps(reply), file=replies)


if __name__ == "__main__":
    main()
