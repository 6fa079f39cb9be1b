"""Rows of which every column that people enter holds something, and something else than a new row
would have."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.accounts.models import Team, User
from apps.catalog.models import Foundation, Offering, Provider, Version
from apps.inventory.models import Application
from apps.risks.models import RiskTemplate
from tests.builders import (
    NOW,
    make_application,
    make_foundation,
    make_offering,
    make_provider,
    make_team,
    make_template,
    make_user,
    make_version,
)

FIRST_DAY = date(2026, 2, 1)
# GLEIF's own, as its public register has it
LEI = "506700GE1G29325QX363"
_BUILDERS: dict[type[models.Model], Any] = {
    Application: make_application,
    Foundation: make_foundation,
    Offering: make_offering,
    Provider: make_provider,
    RiskTemplate: lambda: make_template("OWN-9"),
    Team: make_team,
    User: make_user,
    Version: make_version,
}
# where a column wants more than its type says
_SPECIAL: dict[str, Any] = {
    "country": "CH",
    "currency": "CHF",
    "digest": "a" * 64,
    "lei": LEI,
    "ict_service_type": "S01",
    "external_refs": {"cmdb": "APM-1"},
    "criteria": [{"name": "quality", "weight": "3", "note": "ours"}],
}


def filled[M: models.Model](model: type[M], **given: Any) -> M:
    """Store a row whose every column is given, or made by `value_of`; what the database or a save
    makes is left."""
    values = dict(given)
    for place, field in enumerate(model._meta.concrete_fields):
        if field.name in values or not field.editable or field.primary_key:
            continue
        if field.has_default() and isinstance(field, models.DateTimeField):
            continue
        if isinstance(field, models.ForeignKey):
            if field.remote_field.model in _BUILDERS and field.remote_field.model is not model:
                values[field.name] = _BUILDERS[field.remote_field.model]()
            continue
        values[field.name] = value_of(field, place)
    return model._default_manager.create(**values)


def value_of(field: "models.Field[Any, Any]", place: int) -> Any:
    """A value that the column takes and a new row does not have; days rise in the order of the
    columns."""
    if field.name in _SPECIAL:
        return _SPECIAL[field.name]
    if field.name.endswith("_country") or field.name == "governing_law":
        return "IE"
    default = field.get_default()
    if field.choices:
        return next(
            value
            for value, _label in reversed(list(field.flatchoices))
            if value not in ("", default)
        )
    match field:
        case ArrayField():
            return (
                [value_of(field.base_field, place)]
                if field.base_field.choices
                else [f"{field.name} {place}"]
            )
        case models.BooleanField():
            return default is not True
        case models.DateTimeField():
            return NOW
        case models.DateField():
            return FIRST_DAY + timedelta(days=place)
        case models.DecimalField():
            return Decimal("0.5").quantize(Decimal(1).scaleb(-int(field.decimal_places or 0)))
        case models.IntegerField():
            return place + 2
        case models.JSONField():
            return {"a": "b"}
        case models.URLField():
            return f"https://example.org/{field.name}"
        case models.EmailField():
            return f"{field.name}@example.org"
        case models.SlugField():
            return f"filled-{place}"
    return f"{field.name} {place}"[: field.max_length]
