"""Earliest possible retirement of an offering without an announced date. Plain Python.

Not a forecast: the published earliest date, and the notice and life that a provider promises, each
rule out earlier dates, and the latest of them applies. Nothing here sets a date, changes a
lifecycle or raises an alert.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from apps.catalog.claims.feed_rows import FIRM, NOT_BEFORE

ALL, GENERAL, SPECIALISED, PREVIEW = "all", "general", "specialised", "preview"

_PREVIEW = re.compile(r"preview|beta|-exp(?![a-z])|experimental|labs-", re.IGNORECASE)
# Models for one purpose, for which policies have separate minimums. A word too many makes the
# earliest date earlier, never later.
_SPECIALISED = re.compile(
    r"chat|codex|deep-research|computer-use|search|audio|realtime|(?<![a-z])live|transcri|whisper|tts|speech|voice|"
    r"image|dall-e|sora|veo|video|lyria|music|robotics|embed|moderation|guard|rerank|ocr",
    re.IGNORECASE,
)
# Special variants by the policy of the host: images and embeddings had the notice of general models
# there (179 to 184 days in 2025 and 2026), chat, code, search and sound half of it.
_SPECIALISED_AT = {
    "openai": re.compile(
        r"chat|codex|deep-research|computer-use|search|audio|realtime|transcri|whisper|tts",
        re.IGNORECASE,
    )
}
_GENERAL_CATEGORIES = frozenset({"", "chat", "completion", "responses"})
# Statuses that mean a retirement was announced, although its date is missing.
_ENDING = frozenset({"legacy", "deprecated", "retired"})


@dataclass(frozen=True, slots=True)
class PublishedMinimum:
    """The minimums that a provider has published for models of one scope, in days."""

    scope: str
    notice_days: int | None = None
    life_days: int | None = None
    source_url: str = ""
    source_on: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class EarliestRetirement:
    """The earliest date with its reasons. `why` are sentences, the decisive one first, and the
    source is that of the decisive one."""

    day: date
    why: tuple[str, ...]
    source_url: str
    source_on: date | None


def is_preview(api_id: str) -> bool:
    """Return whether the model ID itself says that the model is a preview."""
    return _PREVIEW.search(api_id) is not None


def is_specialised(api_id: str, category: str = "", host: str = "") -> bool:
    """Return whether the model has one purpose (speech, images, code, search, ...) rather than
    being general; `host` is the slug of the host whose policy applies."""
    if host in _SPECIALISED_AT:
        return _SPECIALISED_AT[host].search(api_id) is not None
    return category not in _GENERAL_CATEGORIES or _SPECIALISED.search(api_id) is not None


def scope_of(*, is_preview: bool, is_specialised: bool) -> str:
    """Return the scope, besides `all`, that applies to a provider's own model: preview, specialised
    or general. A model that `is_preview` and `is_specialised` is a preview."""
    return PREVIEW if is_preview else SPECIALISED if is_specialised else GENERAL


def earliest_retirement(
    today: date,
    *,
    not_before: date | None,
    policies: Iterable[PublishedMinimum],
    released_on: date | None,
    is_preview: bool,
    is_specialised: bool,
    is_partners: bool = False,
    not_before_url: str = "",
) -> EarliestRetirement | None:
    """Return the latest of: the published earliest date, today plus the minimum notice, and release
    plus the minimum life. None if no policy covers the offering.

    A date that has passed rules out nothing. `is_preview` and `is_specialised` choose the scope of
    the policies. `is_partners` marks a model of another developer at this host: only a policy about
    all models covers it."""
    scopes = (
        {ALL}
        if is_partners
        else {ALL, scope_of(is_preview=is_preview, is_specialised=is_specialised)}
    )
    applicable_policies = [policy for policy in policies if policy.scope in scopes]
    bounds: list[tuple[date, str, str, date | None]] = []
    for policy in applicable_policies:
        source = (policy.source_url, policy.source_on)
        if policy.notice_days is not None:
            day = today + timedelta(policy.notice_days)
            bounds.append(
                (
                    day,
                    f"At least {_format_days(policy.notice_days)} of notice, counted from today.",
                    *source,
                )
            )
        if policy.life_days is not None and released_on is not None:
            day = released_on + timedelta(policy.life_days)
            life = (
                f"At least {_format_days(policy.life_days)} from the release on "
                f"{_format_day(released_on)}."
            )
            bounds.append((day, life, *source))
    if applicable_policies and not_before is not None:
        text = f"Published as no earlier than {_format_day(not_before)}."
        bounds.append((not_before, text, not_before_url or applicable_policies[0].source_url, None))
    future_bounds = sorted(
        (bound for bound in bounds if bound[0] > today), key=lambda bound: bound[0], reverse=True
    )
    if not future_bounds:
        return None
    day, _, url, on = future_bounds[0]
    return EarliestRetirement(day, tuple(text for _, text, _, _ in future_bounds), url, on)


def offering_earliest_retirement(
    today: date,
    *,
    host: str,
    api_id: str,
    category: str,
    lifecycle: str,
    retires_on: date | None,
    date_kind: str,
    released_on: date | None,
    is_partners: bool,
    policies: Iterable[PublishedMinimum],
    not_before_url: str = "",
) -> EarliestRetirement | None:
    """Return `earliest_retirement` of an offering from its own columns. None if the retirement is
    announced, or has begun without a date: the notice period might then already be running.
    `is_partners` marks a model of another developer at this host."""
    if date_kind == FIRM or lifecycle in _ENDING:
        return None
    return earliest_retirement(
        today,
        not_before=retires_on if date_kind == NOT_BEFORE else None,
        policies=policies,
        released_on=released_on,
        is_preview=lifecycle == PREVIEW or is_preview(api_id),
        is_specialised=is_specialised(api_id, category, host),
        is_partners=is_partners,
        not_before_url=not_before_url,
    )


def _format_days(n: int) -> str:
    return f"{n} day{'' if n == 1 else 's'}"


def _format_day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
