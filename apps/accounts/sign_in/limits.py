"""Rate limits of password attempts, in place of an account lockout: an attacker is slowed down, and
the user whose account it is can still sign in.

The library refuses the sixth wrong password in five minutes of one account from one network (and
the eleventh in a minute from one address). Across networks, an account takes FREE_FAILURES wrong
passwords a day. After that, networks from which its person has never signed in wait between
attempts, 30 seconds at first and twice as long each time up to 15 minutes: about 120 guesses a day,
however many networks they come from. Networks the person knows do not wait. While the cache is away
nothing is counted.
"""

from contextlib import suppress

from django.core.cache import cache

from apps.accounts.models import AccountEvent, AccountEventKind, User

FREE_FAILURES = 20
FIRST_DELAY_SECONDS = 30
MAX_DELAY_SECONDS = 15 * 60
COUNT_LIFETIME_SECONDS = 24 * 3600


def reserve_attempt(account: str, *, user: User | None, network: str) -> bool:
    """Count an attempt as failed before it is made; False where it must wait. `release_attempts`
    follows a right one.

    Counted first, so that many attempts at the same moment do not all find the account free.
    """
    n_failures = cache.get(_count_key(account), 0)
    if n_failures >= FREE_FAILURES and not is_known_network(user, network):
        delay = min(FIRST_DELAY_SECONDS * 2 ** (n_failures - FREE_FAILURES), MAX_DELAY_SECONDS)
        if not cache.add(_pause_key(account), 1, timeout=delay):
            return False
    cache.add(_count_key(account), 0, timeout=COUNT_LIFETIME_SECONDS)
    # the cache may drop the counter in between
    with suppress(ValueError):
        cache.incr(_count_key(account))
    return True


def release_attempts(account: str) -> None:
    """Forget the failures of an account: its person has signed in, or set a new password."""
    cache.delete(_count_key(account))
    cache.delete(_pause_key(account))


def is_known_network(user: User | None, network: str) -> bool:
    """Return whether the person has signed in from this network before (for as long as account
    events are kept)."""
    signed_in = AccountEvent.objects.filter(
        user=user, kind=AccountEventKind.SIGNED_IN, network=network
    )
    return user is not None and signed_in.exists()


def _count_key(account: str) -> str:
    return f"sign-in:failures:{account}"


def _pause_key(account: str) -> str:
    return f"sign-in:pause:{account}"
