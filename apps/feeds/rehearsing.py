"""What a poll would do to what a source is known to say, without doing it."""

from datetime import datetime

from apps.catalog.claims import Parsed
from apps.catalog.models import Source
from apps.catalog.observing import Observation, Rules, observe
from apps.catalog.recording import identities_of, known_claims
from apps.feeds.models import PollState


def rehearse(source: Source, parsed: Parsed, *, at: datetime, rules: Rules) -> Observation:
    """The observation that `parsed` would be: which claims are new, which change, which events follow, what the guards
    would hold. Reads, and writes nothing."""
    state = PollState.objects.filter(source=source).first()
    last_seen = state.last_observed_at if state else None
    return observe(
        known_claims(source),
        parsed.rows,
        at,
        baseline=last_seen is None,
        set_aside={reject.external_id for reject in parsed.rejects},
        last_seen=last_seen,
        identify=identities_of,
        rules=rules,
    )
