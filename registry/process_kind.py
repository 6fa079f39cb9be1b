"""What kind of process this is: named by its entry point before the settings are read.

Not an environment variable, which a process would pass on to those that it starts.
"""

from apps.common.postgresql.limits import ProcessKind

_kind = ProcessKind.WORKER


def declare_process(kind: ProcessKind) -> None:
    """Name the kind of this process; without it it is a worker."""
    global _kind
    _kind = kind


def process_kind() -> ProcessKind:
    return _kind
