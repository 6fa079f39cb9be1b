"""One at a time across processes: a lease is held by one, renewed, released, and ends by itself."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F

from apps.common.database.leases import HeldLease, LeaseLostError, acquire_lease, hold_lease
from apps.common.models import Lease
from tests.pooler import Pooler

NAME = "count the till"
DURATION = timedelta(minutes=1)


def acquired() -> HeldLease:
    lease = acquire_lease(NAME, duration=DURATION)
    assert lease is not None
    return lease


def time_passes(span: timedelta) -> None:
    """What the clock does to a lease."""
    Lease.objects.update(acquired_at=F("acquired_at") - span, expires_at=F("expires_at") - span)


@pytest.mark.django_db
class TestLease:
    def test_one_holds_it_and_another_one_does_not(self) -> None:
        with (
            hold_lease(NAME, duration=DURATION) as first,
            hold_lease(NAME, duration=DURATION) as second,
        ):
            assert first is not None
            assert second is None
            assert Lease.objects.get().holder == first.holder

    def test_another_name_is_another_lease(self) -> None:
        with (
            hold_lease(NAME, duration=DURATION),
            hold_lease("sweep the floor", duration=DURATION) as other,
        ):
            assert other is not None

    def test_released_it_is_free_at_once(self) -> None:
        with hold_lease(NAME, duration=DURATION):
            pass

        assert not Lease.objects.exists()
        assert acquired()

    def test_work_that_fails_releases_it(self) -> None:
        with pytest.raises(ZeroDivisionError), hold_lease(NAME, duration=DURATION):
            raise ZeroDivisionError

        assert not Lease.objects.exists()

    def test_a_holder_that_died_is_succeeded_when_its_lease_ends_and_not_before(self) -> None:
        acquired()

        time_passes(DURATION - timedelta(seconds=5))
        assert acquire_lease(NAME, duration=DURATION) is None
        time_passes(timedelta(seconds=5))
        assert acquired()

    def test_renewed_it_lasts(self) -> None:
        lease = acquired()

        for _ in range(3):
            time_passes(DURATION - timedelta(seconds=5))
            lease.renew()

        assert acquire_lease(NAME, duration=DURATION) is None

    def test_a_holder_that_was_late_goes_on_where_nobody_came_instead(self) -> None:
        lease = acquired()
        time_passes(2 * DURATION)

        lease.renew()

        assert acquire_lease(NAME, duration=DURATION) is None

    def test_a_holder_whose_lease_was_taken_over_hears_of_it_and_takes_nothing_from_the_next(
        self,
    ) -> None:
        late = acquired()
        time_passes(DURATION)
        successor = acquired()

        with pytest.raises(LeaseLostError, match="count the till"):
            late.renew()
        late.release()

        assert Lease.objects.get().holder == successor.holder

    def test_a_clock_that_was_set_back_holds_nobody_up(self) -> None:
        acquired()
        time_passes(timedelta(days=-365))

        assert acquired()


def most_holders(n_threads: int, n_rounds: int) -> int:
    """How many threads held the lease at once at most, while each of them got it `n_rounds`
    times."""
    start = threading.Barrier(n_threads)
    holders: set[str] = set()
    seen: list[int] = []

    def work() -> None:
        try:
            start.wait()
            left = n_rounds
            while left:
                with hold_lease(NAME, duration=DURATION) as lease:
                    if lease is None:
                        time.sleep(0.005)
                        continue
                    holders.add(lease.holder)
                    lease.renew()
                    seen.append(len(holders))
                    holders.discard(lease.holder)
                    left -= 1
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(seen) == n_threads * n_rounds
    return max(seen)


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_holds_it_at_a_time() -> None:
    assert most_holders(4, 10) == 1
    assert not Lease.objects.exists()


@pytest.mark.pooler
@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_behind_a_pooler_one_holds_it_at_a_time(pooler: Pooler) -> None:
    with pooler.serving_tests():
        assert most_holders(6, 10) == 1
        assert not Lease.objects.exists()
