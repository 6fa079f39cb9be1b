"""What somebody means who mutes from an alert: this matter only, or all of its model, provider,
application or kind."""

from typing import Any

from django.db import models

from apps.accounts.models import User
from apps.alerts.answering import BadAnswer
from apps.alerts.models import Alert
from apps.catalog.models import Offering
from apps.inventory.models import Application


class MuteScope(models.TextChoices):
    SUBJECT = "subject", "This matter"
    OFFERING = "offering", "Everything about this model"
    PROVIDER = "provider", "Everything about its provider"
    APPLICATION = "application", "Everything about this application alone"
    KIND = "kind", "Everything of this kind"


def muted_from(alert: Alert, scope: str, *, user: User) -> dict[str, Any]:
    """The fields of a mute of that scope, for `answering.mute`. The provider is the model's host.
    BadAnswer where the alert has no such thing, or several."""
    match scope:
        case MuteScope.SUBJECT:
            return {"subject": alert.subject}
        case MuteScope.KIND:
            return {"kind": alert.kind}
        case MuteScope.OFFERING:
            return {"offering_id": _offering(alert).pk}
        case MuteScope.PROVIDER:
            return {"provider_id": _offering(alert).host_id}
        case MuteScope.APPLICATION:
            return {"application_id": _only_application(alert, user)}
    raise BadAnswer(f"There is no scope '{scope}'. Choose from {', '.join(MuteScope.values)}.")


def _offering(alert: Alert) -> Offering:
    if alert.offering is None:
        raise BadAnswer("This alert speaks of no single model. Mute this matter, or its kind.")
    return alert.offering


def _only_application(alert: Alert, user: User) -> int:
    ids = alert.application_ids
    if len(ids) != 1:
        many = "several applications" if ids else "no application"
        raise BadAnswer(f"This alert concerns {many}. Mute this matter, its model, or its kind.")
    if not Application.objects.visible_to(user).filter(pk=ids[0]).exists():
        raise BadAnswer(
            "Its application is not yours to see any more. Mute this matter, its model, or its "
            "kind."
        )
    return int(ids[0])
