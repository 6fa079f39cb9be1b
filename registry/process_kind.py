"""Process kind: set by the entry point before the settings are read.

Not an environment variable, which a process would pass on to those that it starts."""

from apps.common.postgresql.limits import ProcessKind

_kind: ProcessKind | None = None


def declare_process(kind: ProcessKind) -> None:
    """Set the kind of this process; do nothing if it has a kind already, by which its settings were
    made."""
    global _kind
    if _kind is None:
        _kind = kind


def process_kind() -> ProcessKind:
    """Return the declared kind; a worker if none was declared."""
    return _kind or ProcessKind.WORKER
