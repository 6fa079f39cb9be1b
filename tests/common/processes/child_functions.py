"""Functions for test_child_process, in a module of their own: a fork server reads it by name."""

import os
import signal
import time
from dataclasses import dataclass

from apps.common.processes.child_process import Limits, child_function


class RefusedFileError(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    pid: int


@dataclass(frozen=True, slots=True)
class Stranger:
    """No class of any function's results."""


QUICK = Limits(cpu_seconds=1, memory_mib=150, wall_seconds=2)


@child_function(
    classes=(Answer,), errors=(RefusedFileError,), refusal=RefusedFileError, limits=QUICK
)
def answer(text: str) -> Answer:
    if text == "refuse":
        raise RefusedFileError("Not this one.")
    if text == "break":
        raise RuntimeError("a mistake of ours")
    return Answer(text, os.getpid())


@child_function(errors=(), refusal=RefusedFileError, limits=QUICK)
def work(what: str) -> object:
    match what:
        case "spin":
            while True:
                pass
        case "sleep":
            time.sleep(60)
        case "fill memory":
            return len([bytes(10_000) for _ in range(1_000_000)])
        case "be killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "return a stranger":
            return Stranger()
        case "return a lot":
            return bytes(33 * 1024 * 1024)
    raise AssertionError(what)


@child_function(errors=(), refusal=RefusedFileError, limits=Limits(wall_seconds=10))
def wait(seconds: float) -> None:
    time.sleep(seconds)
