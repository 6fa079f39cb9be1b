"""What the resources of the alerts share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import Model
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError

from apps.alerts.lifecycle.responses import AlreadyResolvedError, InvalidResponseError
from apps.alerts.models import KINDS
from apps.alerts.preferences import InvalidPreferenceError
from apps.api.framework.problems import ConflictError
from apps.api.framework.views import BY_ID, RegistryView
from apps.api.risks.base import UserField
from apps.common.database.keyset_pagination import Keyset

LATEST_FIRST = {"-id": Keyset(("-id",)), "id": BY_ID}


class KindsField(serializers.ListField):
    """Kinds of alerts, each by its word; empty: all."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "Empty: all kinds.")
        super().__init__(
            child=serializers.ChoiceField(choices=list(KINDS.items())),
            max_length=len(KINDS),
            **kwargs,
        )


class SeverityField(serializers.IntegerField):
    """1 note, 2 low, 3 medium, 4 high, 5 severe."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "1 note to 5 severe.")
        super().__init__(min_value=1, max_value=5, **kwargs)


def require_governance(view: RegistryView, what: str) -> None:
    """Before the body is looked at, so that nobody learns by a 400 what they may not do anyway."""
    if not view.user.is_governance:
        raise PermissionDenied(
            f"Only governance and administrators may change {what}. Ask one of them."
        )


def with_values[M: Model](row: M, facts: dict[str, Any]) -> M:
    """The row with these facts set, not yet stored."""
    for name, value in facts.items():
        setattr(row, name, value)
    return row


@contextmanager
def errors_as_problems(field: str = "non_field_errors") -> Iterator[None]:
    """What cannot be meant as a 400 with its sentence; what is settled already as a 409."""
    try:
        yield
    except AlreadyResolvedError as refusal:
        raise ConflictError(str(refusal)) from None
    except InvalidPreferenceError as refusal:
        raise ValidationError({refusal.field or field: str(refusal)}) from None
    except InvalidResponseError as refusal:
        raise ValidationError({field: str(refusal)}) from None


__all__ = [
    "LATEST_FIRST",
    "KindsField",
    "SeverityField",
    "UserField",
    "errors_as_problems",
    "require_governance",
    "with_values",
]
