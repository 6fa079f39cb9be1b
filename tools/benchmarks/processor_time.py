"""Processor time of processes: shown beside times, since other work on the machine does not change
it.
"""

from collections.abc import Sequence

import psutil
from django.db import connection


def measure_processor_seconds(processes: Sequence[psutil.Process]) -> float:
    """Add up the seconds so far; processes that have ended are left out."""
    seconds = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        seconds += times.user + times.system
    return seconds


def find_database_processes() -> list[psutil.Process]:
    """Find the database server's processes, where it runs on this machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    try:
        server = psutil.Process(pid).parent()
    except psutil.NoSuchProcess:
        return []
    return [server, *server.children()] if server is not None else []
