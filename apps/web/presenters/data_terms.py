"""Data terms as pages show them: each with its value or "unknown", source and day."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.catalog.capabilities.fields import DATA_TERM_FIELDS, DATA_TERMS
from apps.catalog.capabilities.phrases import describe_source, format_value
from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.capabilities.values import UNKNOWN, SettledValue
from apps.catalog.claims.precedence import MANUAL
from apps.catalog.models import Assertion, Offering, Provider

# values of one term that the page of a host lists
MAX_VALUES = 4


@dataclass(frozen=True, slots=True)
class TermLine:
    """One data term of an offering. `is_entered` if a user entered a value, which can be
    removed; `others` are (source, value, day) of the sources that state another value."""

    field: str
    label: str
    text: str
    url: str
    source: str
    source_url: str
    note: str
    is_known: bool
    is_entered: bool
    others: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class HostTermLine:
    """One data term of a host: (value, number of offerings, source and day) of what is stated most
    often, and the number of offerings without a known value."""

    label: str
    values: Sequence[tuple[str, int, str]]
    n_unknown: int


def present_terms(offering_id: int) -> list[TermLine]:
    """Return all data terms of an offering, known or not; two statements."""
    settled = settled_values([offering_id], DATA_TERMS).get(offering_id, {})
    claims = list(
        Assertion.objects.filter(offering=offering_id, topic=DATA_TERMS, withdrawn_at__isnull=True)
        .select_related("source")
        .order_by("source__trust_rank", "source__name", "pk")
    )
    return [_present_term(field, settled.get(field, UNKNOWN), claims) for field in DATA_TERM_FIELDS]


def _present_term(field: str, settled: SettledValue, claims: Sequence[Assertion]) -> TermLine:
    stated = [(claim, claim.value[field]) for claim in claims if field in claim.value]
    backing = next(
        (
            (claim, fact)
            for claim, fact in stated
            if settled.value is not None and fact.get("value") == settled.value
        ),
        None,
    )
    text = format_value(field, settled.value)
    return TermLine(
        field=field,
        label=DATA_TERM_FIELDS[field].label,
        text=text,
        url=text if text.startswith(("https://", "http://")) else "",
        source=describe_source(settled) if settled.value is not None or stated else "",
        source_url=_source_url(*backing) if backing else "",
        note=str(backing[1].get("note", "")) if backing else "",
        is_known=settled.value is not None,
        is_entered=any(claim.source.slug == MANUAL for claim, _ in stated),
        others=[
            (claim.source.name, format_value(field, fact.get("value")), str(fact.get("at", "")))
            for claim, fact in stated
            if fact.get("value") != settled.value
        ],
    )


def _source_url(claim: Assertion, fact: Mapping[str, Any]) -> str:
    url = str(fact.get("source_url") or claim.source_url)
    return url if url.startswith(("https://", "http://")) else ""


def present_host_terms(host: Provider) -> tuple[list[HostTermLine], int]:
    """Return the data terms of the model IDs of a host, and the number of these; two
    statements."""
    ids = list(Offering.objects.model_ids().filter(host=host).values_list("pk", flat=True))
    settled = settled_values(ids, DATA_TERMS)
    lines = []
    for field, stated_field in DATA_TERM_FIELDS.items():
        values = [terms[field] for terms in settled.values() if field in terms]
        known = [value for value in values if value.value is not None]
        counts = Counter(
            (format_value(field, value.value), describe_source(value)) for value in known
        )
        lines.append(
            HostTermLine(
                label=stated_field.label,
                values=[(text, n, source) for (text, source), n in counts.most_common(MAX_VALUES)],
                n_unknown=len(ids) - len(known),
            )
        )
    return lines, len(ids)
