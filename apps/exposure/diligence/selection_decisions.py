"""Decisions on selections, stored with the scorecards of that day."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.common.time import day_of
from apps.exposure.diligence.scorecards import scorecards
from apps.inventory.governance.selections import decide_selection
from apps.inventory.models import Selection, SelectionCandidate


def candidate_scorecards(*, selection: Selection, user: Any, on: date) -> dict[int, dict[str, Any]]:
    """Return {candidate ID: {"foundation": scorecard, "host": scorecard or None, "offering":
    scorecard or None}} as JSON, as `user` can view them.

    The host is that of the candidate's offering. The number of statements does not depend on the
    candidates.
    """
    candidates = list(selection.candidates.select_related("offering").order_by("pk"))
    foundation_cards, host_cards, offering_cards = scorecards(
        foundations={row.foundation_id for row in candidates},
        providers={row.offering.host_id for row in candidates if row.offering},
        offerings={row.offering_id for row in candidates if row.offering_id is not None},
        user=user,
        on=on,
    )
    offerings = {card.pk: card.as_json() for card in offering_cards}
    foundations = {card.pk: card.as_json() for card in foundation_cards}
    hosts = {card.pk: card.as_json() for card in host_cards}
    return {
        row.pk: {
            "foundation": foundations[row.foundation_id],
            "host": hosts[row.offering.host_id] if row.offering else None,
            "offering": offerings[row.offering.pk] if row.offering else None,
        }
        for row in candidates
    }


@transaction.atomic
def decide_with_scorecards(
    *,
    selection: Selection,
    chosen: Sequence[SelectionCandidate],
    decision: str,
    why: str,
    at: datetime,
    by: User,
    review_on: date | None = None,
) -> Selection:
    """Call `decide_selection` with today's facts. `by` has the governance role, so the snapshot
    contains facts for organisation roles."""
    on = day_of(at)
    # locked here, so that no candidate is added between the snapshot and the decision
    Selection.objects.select_for_update().only("pk").get(pk=selection.pk)
    return decide_selection(
        selection=selection,
        chosen=chosen,
        decision=decision,
        why=why,
        on=on,
        by=by,
        scorecards=candidate_scorecards(selection=selection, user=by, on=on),
        review_on=review_on,
    )
