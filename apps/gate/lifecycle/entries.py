"""Lifecycle entries: what a gateway needs to warn of a model, or to refuse it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from django.conf import settings
from django.utils.http import http_date

from apps.accounts.models import User
from apps.catalog.models import DateKind, Lifecycle, Offering, OfferingStage, Stage
from apps.catalog.retirements.due import due_note
from apps.common.text import format_date
from apps.exposure.models import Campaign
from apps.gate.lifecycle.model_ids import GatewayModel
from apps.inventory.governance.offering_decisions import decisions_on_offerings

# stages of which an announcement is the beginning
_ENDING = (Lifecycle.LEGACY, Lifecycle.DEPRECATED, Lifecycle.RETIRED)


@dataclass(frozen=True, slots=True)
class Replacement:
    """A model to use instead. `offering` is None if the host names one that is not in the
    catalogue."""

    offering: int | None
    model: str
    host: str | None


@dataclass(frozen=True, slots=True)
class LifecycleEntry:
    """`status` is `unknown` for a model that is not identified. `deprecation` and `sunset` are
    values of the headers of RFC 9745 and RFC 8594; `sunset` only of an announced date. `due` says
    what the source says once an announced date has come. `proposed` is what the host names,
    `accepted` what an open migration of the organisation has chosen. `approval` is the strictest
    decision on the model in itself; empty if there is none."""

    model: str
    aliases: tuple[str, ...]
    identification: str
    offering: Offering | None
    status: str
    deprecated_since: date | None
    deprecation: str | None
    sunset: str | None
    due: str
    source: str | None
    source_url: str | None
    proposed: Replacement | None
    accepted: Replacement | None
    approval: str
    sentence: str
    advice: str
    url: str | None


def build_entries(
    models: Sequence[GatewayModel], *, user: User, today: date
) -> list[LifecycleEntry]:
    """Return the entries in the same order; four statements for any number."""
    offerings = Offering.objects.select_related(
        "host", "replacement__host", "lifecycle_claim__source"
    ).in_bulk({model.offering for model in models if model.offering is not None})
    deprecated_since = _deprecation_days(offerings)
    accepted = _accepted_replacements(offerings, user)
    decisions = decisions_on_offerings(offerings, on=today)
    entries = []
    for model in models:
        offering = offerings.get(model.offering) if model.offering is not None else None
        if offering is None:
            entries.append(_unknown_entry(model))
        else:
            entries.append(
                _build_entry(
                    model,
                    offering,
                    since=deprecated_since.get(offering.pk),
                    accepted=accepted.get(offering.pk),
                    approval=str(decisions.get(offering.pk, "")),
                    today=today,
                )
            )
    return entries


def _unknown_entry(model: GatewayModel) -> LifecycleEntry:
    return LifecycleEntry(
        model=model.model,
        aliases=model.aliases,
        identification=model.why,
        offering=None,
        status=Lifecycle.UNKNOWN.value,
        deprecated_since=None,
        deprecation=None,
        sunset=None,
        due="",
        source=None,
        source_url=None,
        proposed=None,
        accepted=None,
        approval="",
        sentence=f"The registry does not know which model '{model.model}' is.",
        advice="",
        url=None,
    )


def _build_entry(
    model: GatewayModel,
    offering: Offering,
    *,
    since: date | None,
    accepted: Replacement | None,
    approval: str,
    today: date,
) -> LifecycleEntry:
    claim = offering.lifecycle_claim
    is_firm = offering.date_kind == DateKind.FIRM
    if since is None and (offering.lifecycle in _ENDING or is_firm):
        since = offering.announced_on
    proposed = _proposed_replacement(offering)
    return LifecycleEntry(
        model=model.model,
        aliases=model.aliases,
        identification=model.why,
        offering=offering,
        status=offering.lifecycle,
        deprecated_since=since,
        deprecation=f"@{_timestamp(since)}" if since else None,
        sunset=http_date(_timestamp(offering.retires_on))
        if is_firm and offering.retires_on
        else None,
        due=offering.due_status if offering.is_due(today) else "",
        source=claim.source.name if claim is not None else None,
        source_url=(claim.source_url or None) if claim is not None else None,
        proposed=proposed,
        accepted=accepted,
        approval=approval,
        sentence=_describe(offering, approval, today),
        advice=_advise(proposed, accepted),
        url=f"{settings.PUBLIC_URL}/offerings/{offering.pk}/",
    )


def _timestamp(day: date) -> int:
    return int(datetime.combine(day, time.min, UTC).timestamp())


def _deprecation_days(offerings: Collection[int]) -> dict[int, date]:
    """Return the first day of deprecation, where the source states it."""
    rows = OfferingStage.objects.filter(
        offering__in=offerings, stage=Stage.DEPRECATED, starts_on__isnull=False
    ).values_list("offering_id", "starts_on")
    return {offering: day for offering, day in rows if day is not None}


def _accepted_replacements(offerings: Collection[int], user: User) -> dict[int, Replacement]:
    """Return the targets of open migrations that the user can view, those of the newest first."""
    campaigns = (
        Campaign.objects.visible_to(user)
        .filter(state=Campaign.State.OPEN, offerings__in=offerings)
        .order_by("-pk")
        .values_list("offerings", "target_id", "targets")
    )
    target_ids: dict[int, int] = {}
    for offering, target, targets in campaigns:
        chosen = targets.get(str(offering), target)
        if chosen is not None:
            target_ids.setdefault(offering, int(chosen))
    targets_by_id = Offering.objects.select_related("host").in_bulk(set(target_ids.values()))
    return {
        offering: _replacement(targets_by_id[target])
        for offering, target in target_ids.items()
        if target in targets_by_id
    }


def _proposed_replacement(offering: Offering) -> Replacement | None:
    if offering.replacement is not None:
        return _replacement(offering.replacement)
    text = offering.replacement_text.strip()
    return Replacement(None, text, None) if text else None


def _replacement(offering: Offering) -> Replacement:
    return Replacement(offering.pk, offering.api_id, offering.host.slug)


def _describe(offering: Offering, approval: str, today: date) -> str:
    name = f"{offering.api_id} at {offering.host.name}"
    return " ".join(filter(None, (_describe_lifecycle(offering, name, today), _blocked(approval))))


def _blocked(approval: str) -> str:
    return "An approval decision blocks it." if approval == "blocked" else ""


def _describe_lifecycle(offering: Offering, name: str, today: date) -> str:
    day = offering.retires_on
    if offering.lifecycle == Lifecycle.RETIRED:
        return f"{name} retired on {format_date(day)}." if day else f"{name} is retired."
    if day is None:
        match offering.lifecycle:
            case Lifecycle.DEPRECATED | Lifecycle.LEGACY:
                word = offering.get_lifecycle_display().lower()
                return f"{name} is {word}. No retirement date is announced."
            case Lifecycle.UNKNOWN:
                return f"The lifecycle of {name} is unknown."
        return f"{name} has no announced retirement."
    if offering.date_kind == DateKind.NOT_BEFORE:
        from_day = offering.retires_month or format_date(day)
        return f"{name} can retire from {from_day} on. Its host has not announced a date."
    if offering.is_due(today):
        return f"The retirement of {name} was announced for {format_date(day)}: it is " + (
            f"{due_note(offering, today)}."
        )
    return f"{name} retires on {format_date(day)}."


def _advise(proposed: Replacement | None, accepted: Replacement | None) -> str:
    if accepted is not None:
        return f"Use {accepted.model} at {accepted.host}, which an open migration has chosen."
    if proposed is not None:
        return f"Its host proposes {proposed.model}."
    return ""
