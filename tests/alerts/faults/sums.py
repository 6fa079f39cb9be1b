"""What must hold once everything has gone its way, whatever went wrong in between."""

from collections import Counter
from collections.abc import Collection

from apps.alerts.models import Delivery, Notice
from tests.alerts.delivery.smtp import Peer

State = Delivery.State


def ledger() -> dict[str, int]:
    """{state: number of deliveries}"""
    return dict(Counter(Delivery.objects.values_list("state", flat=True)))


def assert_sums(peer: Peer, *, twice: Collection[str] = ()) -> dict[str, int]:
    """Nothing is lost, nothing is doubled, and the ledger says why what was not sent was not; the
    ledger by state.

    `twice` are the Message-IDs of what was in flight when something was killed: the server may have
    them a second time, and must, so that a drill that no longer hits its moment fails.
    """
    assert_ledger()
    by_id = {row.message_id: row for row in Delivery.objects.all()}
    # the server knows of nothing but deliveries, each at its one address
    received = Counter(str(message["Message-ID"]) for message in peer.received)
    assert set(received) <= set(by_id)
    for message in peer.received:
        assert message["To"] == by_id[str(message["Message-ID"])].address
    taken = Counter(str(message["Message-ID"]) for message in peer.taken)
    assert {message_id for message_id, n in taken.items() if n > 1} == set(twice)
    assert max(taken.values(), default=0) <= 2
    # what the ledger calls sent the server has, and nothing else
    assert set(taken) == {
        message_id for message_id, row in by_id.items() if row.state == State.SENT
    }
    return ledger()


def assert_ledger() -> None:
    """The part of the sums that the database knows."""
    assert not Notice.objects.owed().exists()
    for notice in Notice.objects.select_related("delivery"):
        assert (notice.delivery_id is None) == (notice.skip_reason != "")
    counts = ledger()
    assert sum(counts.values()) == sum(
        counts.get(state, 0) for state in (State.SENT, State.FAILED, State.SKIPPED)
    )
    for row in Delivery.objects.all():
        if row.state == State.SENT:
            assert row.sent_at is not None
            assert row.reason == ""
            assert row.attempts >= 1
        else:
            assert row.reason_sentence != ""
            assert row.sent_at is None
    # nobody got a message about nothing
    assert (
        not Delivery.objects.filter(notices__isnull=True)
        .exclude(kind=Delivery.Kind.HEARTBEAT)
        .exists()
    )
