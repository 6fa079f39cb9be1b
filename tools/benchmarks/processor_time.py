"""What processes have had of the processor: told beside times, since other work on the machine does not change it."""

from collections.abc import Sequence

import psutil
from django.db import connection


def measure_processor_seconds(processes: Sequence[psutil.Process]) -> float:
    """Seconds so far; those that have ended are left out."""
    seconds = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        seconds += times.user + times.system
    return seconds


def find_database_processes() -> list[psutil.Process]:
    """The database server's processes, where it runs on this machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    try:
        server = psutil.Process(pid).parent()
    except psutil.NoSuchProcess:
        return []
    return [server, *server.children()] if server is not None else []
