"""Report entries by users: the reporting entity, statements of owners, and answers to the questions
of the AI Act component file."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.models import User
from apps.catalog.providers.facts import validate_lei
from apps.common.history.context import audit_context
from apps.inventory.actions.locks import lock_applications
from apps.inventory.models import Application
from apps.reports.dora.filing.members import COUNTRIES
from apps.reports.models import ComponentAnswer, ModelStatement, ReportingEntity

STATEMENT_FIELDS: tuple[str, ...] = (
    "intended_use",
    "inputs",
    "outputs",
    "limitations",
    "monitoring_plan",
    "validator",
    "validation_planned_on",
    "valid_until",
    "attested_by",
    "attested_on",
)


def reporting_entity() -> ReportingEntity:
    """Return the single row, or an empty one that is not saved yet."""
    return ReportingEntity.objects.filter(pk=ReportingEntity.ONLY).first() or ReportingEntity(
        pk=ReportingEntity.ONLY
    )


@transaction.atomic
def change_reporting_entity(
    *, name: str, lei: str, country: str, by: User, reason: str = ""
) -> ReportingEntity:
    """Change the reporting entity, for governance; the caller has checked `by.is_governance`.
    Nothing is written if nothing differs. Raises ValidationError if the check digits of the LEI do
    not match, or the country is none of ISO 3166-1."""
    entity = reporting_entity()
    if not entity._state.adding and (entity.name, entity.lei, entity.country) == (
        name,
        lei,
        country,
    ):
        return entity
    entity.name, entity.lei, entity.country = name, lei, country
    entity.full_clean(validate_unique=False)
    validate_lei(lei)
    if country and country not in COUNTRIES:
        raise ValidationError(
            {"country": "Not a country code of ISO 3166-1. Enter two letters, such as DE."}
        )
    with audit_context(user=by, reason=reason or "reporting entity changed"):
        entity.save()
    return entity


@transaction.atomic
def set_model_statement(
    *, application: Application, facts: Mapping[str, Any], by: User, reason: str = ""
) -> ModelStatement:
    """Set the owners' statement about the application's models; for editors of its team."""
    if unknown_fields := sorted(set(facts) - set(STATEMENT_FIELDS)):
        raise TypeError(f"these are not fields of a model statement: {', '.join(unknown_fields)}")
    lock_applications([application.pk], by=by)
    row = ModelStatement.objects.select_for_update().filter(application=application).first()
    statement = row or ModelStatement(application=application)
    changed_names = [name for name, value in facts.items() if getattr(statement, name) != value]
    if not changed_names:
        return statement
    for name in changed_names:
        setattr(statement, name, facts[name])
    statement.full_clean()
    with audit_context(user=by, reason=reason or "model statement changed"):
        statement.save()
    return statement


@transaction.atomic
def answer_question(
    *,
    application: Application,
    question: str,
    answer: str,
    explanation: str,
    on: date,
    by: User,
    reason: str = "",
) -> ComponentAnswer | None:
    """Answer a question of the component file. An empty `answer` removes the current one, which the
    history still has. For editors of the application's team."""
    lock_applications([application.pk], by=by)
    row = (
        ComponentAnswer.objects.select_for_update()
        .filter(application=application, question=question)
        .first()
    )
    with audit_context(user=by, reason=reason or "component file answer changed"):
        if not answer:
            if row is not None:
                row.delete()
            return None
        if row is not None and (row.answer, row.explanation) == (answer, explanation):
            return row
        row = row or ComponentAnswer(application=application, question=question)
        row.answer, row.explanation, row.answered_by, row.answered_on = answer, explanation, by, on
        row.full_clean()
        row.save()
    return row
