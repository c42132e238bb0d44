"""What a process used of the machine, and what others used meanwhile."""

import os
import resource
import time
from pathlib import Path

GIGABYTE = 1e9
STATUS = Path("/proc/self/status")


def peak_memory() -> float:
    """Return the most memory this process ever held, in GB (10^9 bytes)."""
    if STATUS.exists():  # ru_maxrss would start at what the parent held when it made this process
        return _status("VmHWM:")
    unit = 1 if os.uname().sysname == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIGABYTE


def resident_memory() -> float:
    """Return the memory that this process holds now, in GB; only where there is a /proc."""
    return _status("VmRSS:")


def _status(name: str) -> float:
    lines = STATUS.read_text("utf-8").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(name))) * 1024 / GIGABYTE


class Stopwatch:
    """Wall time since its making, and the cores that other processes kept busy in that time.

    Others slow the contenders down unequally (torch waits for its slowest thread), so a ratio needs that figure beside
    it. It is 0 where there is no /proc/stat.
    """

    def __init__(self) -> None:
        self._busy, self._own, self._start = _machine_seconds(), time.process_time(), time.perf_counter()

    def stop(self) -> tuple[float, float]:
        """Return seconds and other processes' cores."""
        seconds = time.perf_counter() - self._start
        others = (_machine_seconds() - self._busy) - (time.process_time() - self._own)
        return seconds, max(0.0, others / seconds)


def _machine_seconds() -> float:
    """Return the processor time that all processes together have used since the machine started."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return time.process_time()
    user, nice, system = stat.read_text("utf-8").split("\n", 1)[0].split()[1:4]
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")
