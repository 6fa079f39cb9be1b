"""The most memory that this process has held."""

import resource
from contextlib import suppress
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def restart_peak_memory() -> None:
    """Let the peak begin at what is held now, where the system can do so (Linux)."""
    with suppress(OSError):
        _CLEAR.write_text("5")


def peak_memory_mb() -> float:
    """Return the most memory held since the start, or since `restart_peak_memory`, in megabytes."""
    with suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1_024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
