"""Organisation settings of the intake: the thresholds of discrepancies, and retention periods."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.common.history.context import audit_context
from apps.intake.import_jobs import IntakePermissionError
from apps.intake.models import IntakeSettings

SETTING_FIELDS = (
    "unseen_after_days",
    "drift_days",
    "declares_shadows",
    "document_retention_days",
    "usage_retention_days",
    "billing_tags",
)


@transaction.atomic
def change_settings(*, facts: Mapping[str, Any], by: User, reason: str = "") -> IntakeSettings:
    """Change the settings that `facts` contains. ValidationError if a value is out of bounds."""
    if not by.is_governance:
        raise IntakePermissionError("You need the governance role to change these settings.")
    row = IntakeSettings.objects.select_for_update().get(pk=1)
    changed_fields = [
        name for name in SETTING_FIELDS if name in facts and facts[name] != getattr(row, name)
    ]
    if not changed_fields:
        return row
    for name in changed_fields:
        setattr(row, name, facts[name])
    row.full_clean()
    with audit_context(user=by, reason=reason or "intake settings changed"):
        row.save(update_fields=[*changed_fields, "updated_at"])
    return row
