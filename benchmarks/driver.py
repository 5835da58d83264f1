"""Takes the times. Rounds are interleaved: one short round of every framework in turn, over and over, so that a slow
second of the machine falls on all of them. A figure is the median over the rounds; the quartiles tell how steady it
was.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from statistics import median, quantiles

from benchmarks.frameworks import ROOT, Framework
from benchmarks.works import Work

IMPORT = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"
#: Keeps a processor busy until the process that started it is gone.
_BUSY = "import os; parent = os.getppid()\nwhile os.getppid() == parent: sum(range(100_000))"
#: Between rounds, the threads of the framework before come to rest: OpenBLAS's and Eigen's go on spinning for a while.
_SETTLE_SECONDS = 0.1


@dataclass
class Result:
    """What one framework did at one work: seconds per unit, one value a round, or the reason why there are none."""

    work: str
    title: str
    framework: str
    values: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)  # what each value took of all processors together
    reason: str = ""
    flops: float = 0
    unit: str = "s"

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def spread(self) -> float:
        """Half the distance of the quartiles, relative to the median."""
        if len(self.values) < 4:
            return (max(self.values) - min(self.values)) / 2 / self.median
        low, _, high = quantiles(self.values, n=4)
        return (high - low) / 2 / self.median

    def record(self) -> dict:
        """For the JSON file."""
        record = {"work": self.work, "title": self.title, "framework": self.framework, "unit": self.unit}
        if self.values:
            record |= {"median": self.median, "spread": self.spread, "values": self.values}
        if self.reason:
            record["reason"] = self.reason
        return record


class Failed(Exception):
    """The framework cannot do this work here; the message is the reason."""


class Worker:
    """A process that runs one framework (see worker.py)."""

    def __init__(self, framework: Framework, cache: Path, timeout: float = 600) -> None:
        self.framework = framework
        self.timeout = timeout
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (open as long as the process)
        command = [framework.python, "-m", "benchmarks.worker", framework.name, framework.works]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=framework.variables(DUOFLOW_CACHE=str(cache)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )

    def ask(self, do: str, **request) -> dict:
        """One request and its reply; Failed if there is none or it tells a reason."""
        watchdog = threading.Timer(self.timeout, self.process.kill)
        watchdog.start()
        try:
            print(json.dumps({"do": do, **request}), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            watchdog.cancel()
        if not line:
            raise Failed(self.last_words())
        reply = json.loads(line)
        if "reason" in reply:
            raise Failed(reply["reason"])
        return reply

    def prepare(self, work: Work) -> float:
        """Build the work; returns the seconds of its first call."""
        return self.ask("prepare", module=work.module, work=work.function, arguments=work.arguments)["first_call"]

    def last_words(self) -> str:
        """Why the process ended."""
        status = self.process.wait()
        self.log.seek(0)
        lines = [line.strip() for line in self.log if line.strip()]
        return lines[-1] if lines else f"its process ended with status {status}"

    def close(self) -> None:
        """End the process."""
        with contextlib.suppress(BrokenPipeError):  # it has ended already
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()


@contextlib.contextmanager
def other_programs(count: int) -> Iterator[list[subprocess.Popen]]:
    """So many programs that take all the processor time they get."""
    running = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(count)]
    try:
        yield running
    finally:
        for program in running:
            program.kill()
            program.wait()


def blank(work: str, title: str, frameworks: Sequence[Framework], **more) -> list[Result]:
    """A row of results to be filled in, with the reason where a framework is not installed."""
    return [Result(work, title, framework.name, reason=framework.missing(), **more) for framework in frameworks]


def import_times(frameworks: Sequence[Framework], rounds: int) -> list[Result]:
    """Seconds of the import statement in a fresh process."""
    results = blank("import", f"import ({rounds} fresh processes)", frameworks)
    for _ in range(rounds):
        for framework, result in zip(frameworks, results):
            if result.reason:
                continue
            command = [framework.python, "-c", IMPORT.format(framework.imports)]
            done = subprocess.run(command, cwd=ROOT, env=framework.variables(), capture_output=True, text=True)
            if done.returncode:
                result.reason = done.stderr.strip().splitlines()[-1]
            else:
                result.values.append(float(done.stdout.split()[-1]))
    return results


def first_calls(work: Work, frameworks: Sequence[Framework], rounds: int) -> list[Result]:
    """Seconds of the first step in a fresh process: with an empty cache directory, and with what that left in it."""
    cold = blank(f"first_call_{work.name}", f"first call, cold: {work.function}", frameworks)
    warm = blank(f"second_start_{work.name}", f"first call, warm: {work.function}", frameworks)
    for _ in range(rounds):
        for index, framework in enumerate(frameworks):
            if cold[index].reason:
                continue
            with tempfile.TemporaryDirectory() as cache:
                for result in (cold[index], warm[index]):
                    worker = Worker(framework, Path(cache))
                    try:
                        result.values.append(worker.prepare(work))
                    except Failed as failure:
                        cold[index].reason = warm[index].reason = str(failure)
                        break
                    finally:
                        worker.close()
    return cold + warm


def step_times(
    works: Iterable[Work], frameworks: Sequence[Framework], rounds: int, seconds: float, load: int = 0
) -> list[Result]:
    """Seconds per unit of every work; for training also those of all processors, and its process's peak memory.

    While times are taken, `load` other programs run.
    """
    results = []
    for _, group in groupby(works, key=lambda work: work.processes):
        with tempfile.TemporaryDirectory() as cache:
            workers = {f.name: Worker(f, Path(cache)) for f in frameworks if not f.missing()}
            try:
                for work in group:
                    print(f"  {work.title}", file=sys.stderr, flush=True)
                    results += one_work(work, frameworks, workers, rounds, seconds, load)
            finally:
                for worker in workers.values():
                    worker.close()
    return results


def one_work(
    work: Work, frameworks: Sequence[Framework], workers: dict[str, Worker], rounds: int, seconds: float, load: int
) -> list[Result]:
    """The interleaved rounds of one work."""
    results = blank(work.name, work.title, frameworks, flops=work.flops)

    def attempt(result: Result, request) -> None:
        if not result.reason:
            try:
                request(workers[result.framework], result)
            except Failed as failure:
                result.reason = str(failure)
                result.values.clear()
                result.processor.clear()

    def one_round(worker: Worker, result: Result) -> None:
        time.sleep(_SETTLE_SECONDS)
        reply = worker.ask("round", seconds=seconds)
        result.values.append(reply["per_call"] / work.units)
        result.processor.append(reply["processor"] / work.units)

    for result in results:
        attempt(result, lambda worker, _: worker.prepare(work))
    with other_programs(load):
        for _ in range(rounds):
            for result in results:
                attempt(result, one_round)
    if not work.trains:
        return results
    name, title = f"processor_{work.name}", f"processor time: {work.function}"
    busy = [replace(result, work=name, title=title, values=result.processor) for result in results]
    memory = blank(f"memory_{work.name}", f"peak memory: {work.function}", frameworks, unit="MiB")
    for result, peak in zip(results, memory):
        peak.reason = result.reason
        attempt(peak, lambda worker, r: r.values.append(worker.ask("memory")["peak_mib"]))
    return results + busy + memory
