"""A circuit breaker: after a failure the next calls of an outside server are refused
immediately."""

import threading
from time import monotonic

# longer than one trial can take
_TRIAL_SECONDS = 4.0


class CircuitBreaker:
    """Closed: every call may be tried. Open: none, but for one trial a pause; its success closes
    the breaker.

    For the threads of one process, which would otherwise all wait for the same server.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # 0: closed
        self._next_trial = 0.0

    def admits(self) -> bool:
        """Return whether a call can be tried now. A call that an open breaker admits is its
        trial."""
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
        """Let every call be tried again."""
        if self._next_trial:
            with self._lock:
                self._next_trial = 0.0
