"""What strangers send is read in a child with limits, and whatever becomes of the child is a
sentence."""

import os
import subprocess
import threading
from collections.abc import Iterator

import pytest

from apps.common.processes import child_process
from apps.common.processes.child_process import (
    BusyError,
    ChildFailedError,
    ResultTooLargeError,
    own_server,
)
from tests.common.processes.child_functions import Answer, RefusedFileError, answer, wait, work

pytestmark = pytest.mark.proof

PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def server() -> Iterator["subprocess.Popen[bytes]"]:
    with own_server(threads=4) as process:
        yield process


def test_without_a_server_a_function_runs_where_it_is_called() -> None:
    assert answer("here") == Answer("here", os.getpid())


def answer_until_busy() -> None:
    """The threads that wait have taken their places by now, or take them before one of these."""
    for _ in range(100):
        answer("too many")


@pytest.mark.usefixtures("server")
class TestWithAServer:
    def test_the_child_returns_what_the_function_returns(self) -> None:
        first, second = answer("there"), answer("there")

        assert first.text == "there"
        assert len({first.pid, second.pid, os.getpid()}) == 3

    def test_it_raises_what_the_function_declares(self) -> None:
        with pytest.raises(RefusedFileError, match=r"^Not this one\.$"):
            answer("refuse")

    def test_what_is_not_declared_is_a_mistake_and_carries_the_traceback(self) -> None:
        with pytest.raises(ChildFailedError, match="a mistake of ours"):
            answer("break")

    @pytest.mark.parametrize("what", ["spin", "sleep"])
    def test_a_file_that_takes_too_long_is_refused(self, what: str) -> None:
        with pytest.raises(RefusedFileError, match=r"takes more than 1 seconds\. Split the file"):
            work(what)

    @pytest.mark.parametrize("what", ["fill memory", "be killed"])
    def test_a_file_that_fills_memory_is_refused(self, what: str) -> None:
        with pytest.raises(RefusedFileError, match=r"needs more than 150 MiB of memory"):
            work(what)

    @pytest.mark.parametrize("what", ["crash", "return a stranger"])
    def test_a_child_that_breaks_or_answers_something_else_is_a_refusal(self, what: str) -> None:
        with pytest.raises(RefusedFileError, match="could not be read: the reader stopped"):
            work(what)

    def test_more_than_a_web_process_takes_in_is_told_apart(self) -> None:
        with pytest.raises(ResultTooLargeError):
            work("return a lot")

    def test_the_next_file_is_read_after_any_of_these(self) -> None:
        assert answer("again").text == "again"

    def test_half_of_the_threads_wait_at_most_and_the_others_are_told_to_come_back(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(child_process, "PLACE_TIMEOUT", 0.1)
        waiting = [threading.Thread(target=wait, args=(5,)) for _ in range(2)]
        for thread in waiting:
            thread.start()
        try:
            with pytest.raises(BusyError, match="Send the file again"):
                answer_until_busy()
        finally:
            for thread in waiting:
                thread.join()

        assert answer("later").text == "later"


def test_a_server_that_is_killed_is_replaced() -> None:
    with own_server() as process:
        assert answer("before").text == "before"
        process.kill()
        process.wait(PATIENCE_SECONDS)

        assert answer("after").text == "after"


def test_a_server_ends_when_nobody_can_ask_it_any_more() -> None:
    with own_server() as process:
        answer("once")

    assert process.wait(PATIENCE_SECONDS) == 0
