"""Spool files for what is too long for memory: request bodies and responses. Bounded all
together."""

import asyncio
import os
import tempfile
import threading
from collections import deque
from io import BytesIO
from typing import IO

from registry.server.limits import (
    MAX_BODY_IN_MEMORY,
    MAX_DIRECT_ANSWER,
    SEND_BLOCK,
    SEND_TIMEOUT,
    SPOOL_BLOCK,
)


class SpoolFullError(Exception):
    """Error: no space, by the budget or on the disk."""


class ClientGoneError(Exception):
    """Error: the client has disconnected, or accepts no more data."""


class SpoolBudget:
    """Budget: the bytes that all files of one purpose may hold together. Used from several
    threads."""

    def __init__(self, max_bytes: int) -> None:
        self._left = max_bytes
        self._lock = threading.Lock()

    def take(self, n_bytes: int) -> bool:
        """Reserve space; False if there is none."""
        with self._lock:
            if n_bytes > self._left:
                return False
            self._left -= n_bytes
            return True

    def give_back(self, n_bytes: int) -> None:
        with self._lock:
            self._left += n_bytes


class RequestBody:
    """Body as it arrives: in memory, then in an unnamed file, which is deleted when it is
    closed."""

    def __init__(self, budget: SpoolBudget) -> None:
        self._budget = budget
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self._n_spooled = 0
        self.n_bytes = 0

    def append(self, block: bytes) -> None:
        self._memory += block
        self.n_bytes += len(block)

    @property
    def needs_file(self) -> bool:
        return self._file is None and len(self._memory) > MAX_BODY_IN_MEMORY

    @property
    def is_spooled(self) -> bool:
        return self._file is not None

    @property
    def has_block(self) -> bool:
        """Whether there is enough in memory to be written to the file."""
        return len(self._memory) >= SPOOL_BLOCK

    def write_out(self) -> None:
        """Move the bytes in memory to the file. SpoolFullError. Blocks: not for the event loop."""
        block, self._memory = self._memory, bytearray()
        if not self._budget.take(len(block)):
            raise SpoolFullError
        try:
            if self._file is None:
                self._file = _unnamed_file("registry-body-")
            _write_all(self._file, block, at=self._n_spooled)
        except OSError as error:
            raise SpoolFullError from error
        finally:
            self._n_spooled += len(block)

    def open(self) -> IO[bytes]:
        """Open the whole body, from its beginning; the part of a long one that is in memory must
        have been written out."""
        if self._file is None:
            return BytesIO(self._memory)
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        self._memory = bytearray()
        if self._file is not None:
            self._file.close()
        self._budget.give_back(self._n_spooled)
        self._n_spooled = 0


class AnswerBuffer:
    """Buffer of a response between the thread that makes it and the event loop that sends it.

    The thread writes as fast as it can and is free for the next request, however slowly the client
    reads: a little is in memory, the rest in a file. One thread writes and calls `end`, one event
    loop reads and calls `close`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, budget: SpoolBudget) -> None:
        self._loop = loop
        self._budget = budget
        self._changed = threading.Condition()
        self._chunks: deque[memoryview] = deque()
        self._n_memory = 0
        self._file: IO[bytes] | None = None
        self._n_read = self._n_written = 0
        self._ended = self._failed = self._closed = False
        self._reader: asyncio.Future[None] | None = None

    # --- the thread's side ---

    def put(self, chunk: bytes) -> None:
        """Add to the end. ClientGoneError if the client has disconnected; waits if the budget is
        used up."""
        with self._changed:
            if self._closed:
                raise ClientGoneError
            if self._n_read == self._n_written:
                self._empty_file()
                # a single chunk is in memory anyway, however long
                if not self._chunks or self._n_memory + len(chunk) <= MAX_DIRECT_ANSWER:
                    self._chunks.append(memoryview(chunk))
                    self._n_memory += len(chunk)
                    self._wake()
                    return
            while not self._budget.take(len(chunk)):
                if not self._changed.wait(SEND_TIMEOUT) or self._closed:
                    raise ClientGoneError
        # without the lock, for which the event loop would wait; only this thread writes
        if self._file is None:
            self._file = _unnamed_file("registry-answer-")
        _write_all(self._file, chunk, at=self._n_written)
        with self._changed:
            self._n_written += len(chunk)
            self._wake()

    def end(self, *, failed: bool = False) -> None:
        """Mark the end of the response; `failed` if it is incomplete."""
        with self._changed:
            self._ended, self._failed = True, failed
            self._dispose()
            self._wake()

    # --- the event loop's side ---

    async def take(self) -> bytes:
        """Return the next block, empty at the end. ClientGoneError if it was closed meanwhile, or
        has failed."""
        while True:
            with self._changed:
                if self._closed or self._failed:
                    raise ClientGoneError
                if self._chunks:
                    return self._from_memory()
                n_waiting = self._n_written - self._n_read
                if not n_waiting and self._ended:
                    return b""
                self._reader = reader = self._loop.create_future()
            if n_waiting:
                return self._from_file(min(n_waiting, SEND_BLOCK))
            await reader

    def close(self) -> None:
        """Stop reading: the thread learns it when it next writes."""
        with self._changed:
            self._closed = True
            self._chunks.clear()
            self._dispose()
            self._changed.notify_all()
            self._wake()

    def _from_memory(self) -> bytes:
        blocks, room = [], SEND_BLOCK
        while self._chunks and room:
            chunk = self._chunks.popleft()
            if len(chunk) > room:
                self._chunks.appendleft(chunk[room:])
            blocks.append(chunk[:room])
            room -= len(blocks[-1])
        self._n_memory -= SEND_BLOCK - room
        return b"".join(blocks)

    def _from_file(self, n_bytes: int) -> bytes:
        assert self._file is not None
        block = os.pread(self._file.fileno(), n_bytes, self._n_read)
        with self._changed:
            self._n_read += len(block)
        return block

    # --- under the lock ---

    def _empty_file(self) -> None:
        """Release the space of data that has been read, or will not be."""
        if self._n_written and self._file is not None:
            self._budget.give_back(self._n_written)
            self._file.truncate(0)
        self._n_read = self._n_written = 0

    def _dispose(self) -> None:
        if self._ended and self._closed and self._file is not None:
            self._empty_file()
            self._file.close()

    def _wake(self) -> None:
        if self._reader is not None:
            reader, self._reader = self._reader, None
            self._loop.call_soon_threadsafe(_resolve, reader)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _unnamed_file(prefix: str) -> IO[bytes]:
    """Open a file in TMPDIR, without a name from the beginning, so that no crash leaves it
    behind."""
    return tempfile.TemporaryFile(prefix=prefix, buffering=0)


def _write_all(file: IO[bytes], block: bytes | bytearray, *, at: int) -> None:
    """Write a block at a place. OSError where the disk is full."""
    view = memoryview(block)
    while view:
        n_written = os.pwrite(file.fileno(), view, at)
        view, at = view[n_written:], at + n_written
