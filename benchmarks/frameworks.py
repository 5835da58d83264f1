"""The frameworks that are compared: which Python runs each, in what environment, and how that is installed.

duoflow and NumPy run in the Python that runs the driver; the others live in `.peers/`, one virtual environment each,
made by `python -m benchmarks --setup`.
"""

import os
import subprocess
import sys
import venv
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".peers"

QUIET_CPU = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "JAX_PLATFORMS": "cpu",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONWARNINGS": "ignore",
}


@dataclass(frozen=True)
class Framework:
    """One column of the table."""

    name: str
    works: str  # the packages of benchmarks.works that its works are written in, separated by commas
    peer: str = ""  # its environment's folder in .peers, "" for the driver's own Python
    imports: str = ""  # what a program imports
    requirements: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        """The interpreter."""
        return peer_python(self.peer) if self.peer else Path(sys.executable)

    def missing(self) -> str:
        """Why it cannot run here, "" if it can."""
        return "" if self.python.exists() else f"not installed: python -m benchmarks --setup {self.peer}"

    def variables(self, **more: str) -> dict[str, str]:
        """The worker's environment variables; Python may keep its bytecode, as installed packages have it."""
        ours = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {**ours, **QUIET_CPU, **self.environment, **more}


KERAS = "keras==3.15.*"
TENSORFLOW = ("tensorflow-cpu==2.21.*", KERAS)
TORCH = ("torch", "numpy", KERAS)
JAX = ("jax", KERAS)

FRAMEWORKS = {
    framework.name: framework
    for framework in (
        Framework("duoflow", "tf,keras", imports="duoflow"),
        Framework("tf", "tf,keras", "tf", "tensorflow", TENSORFLOW),
        Framework("tf-xla", "tf", "tf", "tensorflow", TENSORFLOW, {"BENCHMARK_JIT_COMPILE": "1"}),
        Framework("torch", "torch", "torch", "torch", TORCH),
        Framework("jax", "jax", "jax", "jax", JAX),
        Framework("keras-torch", "keras", "torch", "keras", TORCH, {"KERAS_BACKEND": "torch"}),
        Framework("keras-jax", "keras", "jax", "keras", JAX, {"KERAS_BACKEND": "jax"}),
        Framework("numpy", "numpy", imports="numpy"),
    )
}


def peer_python(peer: str) -> Path:
    """The interpreter of a peer's environment."""
    return PEERS / peer / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def setup(names: list[str], torch_index: str | None) -> None:
    """Make the environments of the named peers (all, if none is named) and install into them.

    `torch_index` is the package index to take PyTorch from: the default one has builds for GPUs on Linux, which are far
    larger.
    """
    peers = {framework.peer: framework for framework in FRAMEWORKS.values() if framework.peer}
    for peer in names or list(peers):
        if peer not in peers:
            raise SystemExit(f"unknown peer {peer!r}; known: {', '.join(peers)}")
        print(f"installing {', '.join(peers[peer].requirements)} into {PEERS / peer}", flush=True)
        venv.create(PEERS / peer, with_pip=True)
        index = ["--index-url", torch_index] if peer == "torch" and torch_index else []
        command = [peer_python(peer), "-m", "pip", "install", "--quiet", *index, *peers[peer].requirements]
        subprocess.run(command, check=True)
