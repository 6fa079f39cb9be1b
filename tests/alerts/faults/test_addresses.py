"""Addresses that no form lets in, written straight into the database: the mail fails with a reason,
the others go."""

import pytest

from apps.accounts.models import Team
from apps.alerts.models import Delivery
from tests.alerts.faults.crowd import announce, make_crowd
from tests.alerts.faults.drill import Drill
from tests.alerts.faults.sums import assert_sums, ledger

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof]

BAD = [
    "claims@example.org\nBcc: everyone@example.org",
    "claims@example.org\r\nSubject: Won\r\n\r\nText",
    "claims@example.org\rBcc: everyone@example.org",
    "claims@example.org, everyone@example.org",
    "claims@example.org> SIZE=1\r\nRCPT TO:<everyone@example.org",
    "claims @example.org",
    "müller@example.org",
    "<>",
    "   ",
    "@",
    '"unclosed@example.org',
    "claims@example.org\x85Bcc: everyone@example.org",
    "claims@example.org\u2028Bcc: everyone@example.org",
    "=?utf-8?q?claims=40example.org=0ABcc=3A_everyone=40example.org?=",
    "claims@[127.0.0.1",
    # these trip up the parser of the standard library; the first passes a form
    "=?utf-8?q??=@example.org",
    '"',
    "aIPv6:127.0.0.1?;;<]",
    "a" * 254,
]


def test_addresses_with_line_breaks_and_worse_fail_with_a_reason_and_hold_up_nobody(
    drill: Drill,
) -> None:
    teams = make_crowd(len(BAD) + 2)
    for team, address in zip(teams[1:-1], BAD, strict=True):
        Team.objects.filter(pk=team.pk).update(email=address)
    announce()

    drill.beat()
    drill.go_on()

    assert assert_sums(drill.peer) == {"sent": 2, "failed": len(BAD)}
    assert sorted(drill.peer.recipients) == sorted([teams[0].email, teams[-1].email])
    assert not any("everyone" in address for address in drill.peer.recipients)
    for delivery in Delivery.objects.filter(state="failed"):
        assert (delivery.attempts, len(delivery.reason) > 20, "\n" in delivery.reason) == (
            1,
            True,
            False,
        )


def test_an_address_in_another_script_is_mailed(drill: Drill) -> None:
    [team] = make_crowd(1)
    Team.objects.filter(pk=team.pk).update(email="claims@bücher.example")
    announce()

    drill.beat()

    assert ledger() == {"sent": 1}
    assert drill.peer.recipients == ["claims@xn--bcher-kva.example"]
    assert drill.peer.taken[0]["To"] == "claims@xn--bcher-kva.example"
