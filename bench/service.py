"""Starts the service as a process of its own on a free port of loopback, and reads what the kernel says of it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Service:
    """`songda serve` in a folder; ended by its process id."""

    def __init__(self, folder: Path, *, work: bool = False, module: str = "app", command: str = "serve", **settings: str) -> None:
        """`settings` are environment names without the SONGDA_ in front, e.g. DATA_BATCHING="false"."""
        self._folder = folder
        self._module = module
        self._arguments = [command, "--port", "0", "--data", str(folder)]
        if command == "serve":
            self._arguments.append("--work" if work else "--no-work")
        self._environ = {**os.environ, **{f"SONGDA_{k}": v for k, v in settings.items()}}
        self.port = 0
        self.started_s = 0.0

    def __enter__(self) -> "Service":
        """Start, and wait until it says where it is."""
        before = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", self._module, *self._arguments], cwd=ROOT, env=self._environ, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "http://" in line:
                self.port = int(line.rsplit(":", 1)[1].split("/")[0])
                break
        else:
            raise RuntimeError(f"the service ended with {self.process.wait()}")
        self.started_s = time.perf_counter() - before
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End it if it is still there."""
        if self.process.poll() is None:
            self.stop()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> float:
        """SIGTERM, and how many seconds it took to end."""
        before = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        return time.perf_counter() - before

    def cpu_s(self) -> float:
        """User and system time of the process so far."""
        parts = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(parts[11]) + int(parts[12])) / TICK

    def resident_kb(self) -> int:
        """Resident memory of the process."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * PAGE // 1024
