"""Rate limits of password attempts, in place of an account lockout: an attacker is slowed down, and
the owner of the account can still sign in.

The library rejects the sixth wrong password in five minutes for one account from one network (and
the eleventh in a minute from one address). Across networks, an account accepts FREE_FAILURES wrong
passwords a day. After that, networks from which its user has never signed in wait between attempts,
30 seconds at first and twice as long each time up to 15 minutes: about 120 guesses a day, however
many networks they come from. Networks from which the user has signed in do not wait. While the
cache is unavailable nothing is counted.
"""

from contextlib import suppress

from django.core.cache import cache

from apps.accounts.models import AccountEvent, AccountEventKind, User

FREE_FAILURES = 20
FIRST_DELAY_SECONDS = 30
MAX_DELAY_SECONDS = 15 * 60
COUNT_LIFETIME_SECONDS = 24 * 3600


def reserve_attempt(account: str, *, user: User | None, network: str) -> bool:
    """Count an attempt as failed before it is made; return False if it must wait. Call
    `release_attempts` after a successful one.

    Counting first ensures that many concurrent attempts do not all pass the limit.
    """
    n_failures = cache.get(_failures_key(account), 0)
    if n_failures >= FREE_FAILURES and not is_known_network(user, network):
        delay = min(FIRST_DELAY_SECONDS * 2 ** (n_failures - FREE_FAILURES), MAX_DELAY_SECONDS)
        if not cache.add(_pause_key(account), 1, timeout=delay):
            return False
    cache.add(_failures_key(account), 0, timeout=COUNT_LIFETIME_SECONDS)
    # the cache might evict the counter in between
    with suppress(ValueError):
        cache.incr(_failures_key(account))
    return True


def release_attempts(account: str) -> None:
    """Clear the failed attempts of an account whose user has signed in or set a new password."""
    cache.delete(_failures_key(account))
    cache.delete(_pause_key(account))


def is_known_network(user: User | None, network: str) -> bool:
    """Return whether the user has signed in from this network before (for as long as account events
    are stored)."""
    signed_in = AccountEvent.objects.filter(
        user=user, kind=AccountEventKind.SIGNED_IN, network=network
    )
    return user is not None and signed_in.exists()


def _failures_key(account: str) -> str:
    return f"sign-in:failures:{account}"


def _pause_key(account: str) -> str:
    return f"sign-in:pause:{account}"
