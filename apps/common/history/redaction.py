"""Removal of personal data from versions in the history, where a person is erased."""

from collections.abc import Mapping, Sequence
from typing import Any

import pgtrigger
from django.db import models


def redact_versions(
    model: type[models.Model], *, ids: Sequence[int], values: Mapping[str, Any]
) -> int:
    """Set columns of all versions of these rows; return the number of versions. Call it in a
    transaction."""
    return _update(model, {"pgh_obj_id__in": list(ids)}, values)


def redact_values(
    model: type[models.Model], *, column: str, texts: Sequence[str], replacement: Any
) -> int:
    """Replace these texts, without regard to case, in one column of all versions."""
    n_versions = 0
    for text in texts:
        n_versions += _update(model, {f"{column}__iexact": text}, {column: replacement})
    return n_versions


def delete_versions(model: type[models.Model], *, column: str, values: Sequence[Any]) -> int:
    """Delete the versions in which the column has one of these values."""
    history = _history_of(model)
    with pgtrigger.ignore(f"{history._meta.label}:append_only"):
        n_deleted: int = (
            history._base_manager.filter(**{f"{column}__in": list(values)}).order_by().delete()[0]
        )
    return n_deleted


def _update(model: type[models.Model], lookup: Mapping[str, Any], values: Mapping[str, Any]) -> int:
    history = _history_of(model)
    # the history is append-only for everybody but this and the end of retention
    with pgtrigger.ignore(f"{history._meta.label}:append_only"):
        return history._base_manager.filter(**lookup).update(**values)


def _history_of(model: type[models.Model]) -> type[models.Model]:
    history: type[models.Model] = model.history.rel.related_model  # type: ignore[attr-defined]
    return history
