"""Fields and errors that the resources of alerts share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import Model
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError

from apps.alerts.lifecycle.responses import AlreadyResolvedError, InvalidResponseError
from apps.alerts.models import KINDS
from apps.alerts.preferences import InvalidPreferenceError
from apps.api.framework.problems import ApiConflictError
from apps.api.framework.views import BY_ID, RegistryView
from apps.api.risks.base import UserField
from apps.common.database.keyset_pagination import Keyset

LATEST_FIRST = {"-id": Keyset(("-id",)), "id": BY_ID}


class KindsField(serializers.ListField):
    """A list of alert types; empty for all types."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "Alert types; empty for all types.")
        super().__init__(
            child=serializers.ChoiceField(choices=list(KINDS.items())),
            max_length=len(KINDS),
            **kwargs,
        )


class SeverityField(serializers.IntegerField):
    """Severity: 1 info, 2 low, 3 medium, 4 high, 5 urgent."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "Severity from 1 (info) to 5 (urgent).")
        super().__init__(min_value=1, max_value=5, **kwargs)


def require_governance(view: RegistryView, subject: str) -> None:
    """Refuse unless the caller has the governance role; checked before the body, so that an error
    in the body reveals nothing."""
    if not view.user.is_governance:
        raise PermissionDenied(
            f"You need the governance or administrator role to change {subject}. Contact a "
            "governance user."
        )


def with_values[M: Model](row: M, facts: dict[str, Any]) -> M:
    """Return `row` with these values set; it is not saved."""
    for name, value in facts.items():
        setattr(row, name, value)
    return row


@contextmanager
def errors_as_problems(field: str = "non_field_errors") -> Iterator[None]:
    """Convert an invalid value to 400 and a conflict with the current state to 409."""
    try:
        yield
    except AlreadyResolvedError as error:
        raise ApiConflictError(str(error)) from None
    except InvalidPreferenceError as error:
        raise ValidationError({error.field or field: str(error)}) from None
    except InvalidResponseError as error:
        raise ValidationError({field: str(error)}) from None


__all__ = [
    "LATEST_FIRST",
    "KindsField",
    "SeverityField",
    "UserField",
    "errors_as_problems",
    "require_governance",
    "with_values",
]
