"""Mutes: their scope when created from an alert (this subject only, or all of its model, provider,
application or kind), and the alerts that they cover."""

from collections.abc import Iterable
from typing import Any

from django.db import models

from apps.accounts.models import User
from apps.alerts.lifecycle.responses import InvalidResponseError
from apps.alerts.models import Alert, Mute
from apps.alerts.subscriptions import AlertFacts
from apps.catalog.models import Offering
from apps.inventory.models import Application


def mute_covers(mute: Mute, facts: AlertFacts) -> bool:
    """Return whether the alert matches everything that the mute names; a muted application must be
    the alert's only one."""
    return (
        (not mute.kind or mute.kind == facts.kind)
        and (not mute.subject or mute.subject == facts.subject)
        and (mute.provider_id is None or mute.provider_id in facts.provider_ids)
        and (mute.offering_id is None or mute.offering_id == facts.offering_id)
        and (mute.application_id is None or facts.application_ids == {mute.application_id})
    )


def longest_mute(mutes: Iterable[Mute], facts: AlertFacts) -> Mute | None:
    """Return the mute covering the alert that expires last."""
    return max(
        (mute for mute in mutes if mute_covers(mute, facts)),
        key=lambda mute: (mute.until, mute.pk),
        default=None,
    )


class MuteScope(models.TextChoices):
    SUBJECT = "subject", "This alert"
    OFFERING = "offering", "All alerts about this model"
    PROVIDER = "provider", "All alerts about its provider"
    APPLICATION = "application", "All alerts about this application only"
    KIND = "kind", "All alerts of this type"


def mute_fields(alert: Alert, scope: str, *, user: User) -> dict[str, Any]:
    """Return the fields of a mute of that scope, for `create_mute`. The provider is the model's
    host. InvalidResponseError if the alert has no such attribute, or several."""
    match scope:
        case MuteScope.SUBJECT:
            return {"subject": alert.subject}
        case MuteScope.KIND:
            return {"kind": alert.kind}
        case MuteScope.OFFERING:
            return {"offering_id": _require_offering(alert).pk}
        case MuteScope.PROVIDER:
            return {"provider_id": _require_offering(alert).host_id}
        case MuteScope.APPLICATION:
            return {"application_id": _require_single_application(alert, user)}
    raise InvalidResponseError(
        f'"{scope}" is not a valid scope. Use one of: {", ".join(MuteScope.values)}.'
    )


def _require_offering(alert: Alert) -> Offering:
    if alert.offering is None:
        raise InvalidResponseError(
            "This alert is not about a single model. Mute this alert or its type."
        )
    return alert.offering


def _require_single_application(alert: Alert, user: User) -> int:
    ids = alert.application_ids
    if len(ids) != 1:
        count_text = "several applications" if ids else "no application"
        raise InvalidResponseError(
            f"This alert affects {count_text}. Mute this alert, its model or its type."
        )
    if not Application.objects.visible_to(user).filter(pk=ids[0]).exists():
        raise InvalidResponseError(
            "You no longer have access to the application of this alert. Mute this alert, its "
            "model or its type."
        )
    return int(ids[0])
