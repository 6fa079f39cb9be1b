"""A circuit breaker: after a failure, further calls to a server are refused immediately for a
while."""

import threading
from time import monotonic

# longer than one trial call can take
_TRIAL_SECONDS = 4.0


class CircuitBreaker:
    """Closed: every call can be made. Open: calls are refused, except for one trial call after each
    pause; a trial that succeeds closes the breaker.

    Shared by the threads of one process, which would otherwise all wait for the same server.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # monotonic time of the next trial call; 0 while the breaker is closed
        self._next_trial = 0.0

    def admits(self) -> bool:
        """Return whether a call can be made now. A call that an open breaker admits is its trial
        call."""
        if not self._next_trial:
            return True
        with self._lock:
            moment = monotonic()
            if moment < self._next_trial:
                return False
            self._next_trial = moment + _TRIAL_SECONDS
            return True

    def open(self, pause: float) -> None:
        """Refuse calls for `pause` seconds."""
        with self._lock:
            self._next_trial = monotonic() + pause

    def close(self) -> None:
        """Admit every call again."""
        if self._next_trial:
            with self._lock:
                self._next_trial = 0.0
