"""The field set of a record has every column of its model; what is left out is named with its
reason. Form and serializer have the same fields."""

import pytest

from apps.api.framework.record_views import record_serializer
from apps.catalog.models import Foundation, Offering, Price, Product
from apps.intake.models import CloudAccount
from apps.issues.models import TicketConnection
from apps.risks.models import RiskTemplate
from apps.web.pages.record_form import record_form
from apps.web.views.records.pages import RECORD_PAGES

KEYS = {"id", "created_at", "updated_at"}
BY_SOURCES = "the accepted value of several sources, overridden on its page"
BY_IDENTITY = "the model of the offering, decided with the unresolved models"
LEFT_OUT = {
    CloudAccount: dict.fromkeys(
        ("reported_digest", "n_reports"), "written by pulls, for what was passed on"
    ),
    TicketConnection: {
        "webhook_id": "made by the registry",
        **dict.fromkeys(
            (
                "jira_account",
                "issue_type_id",
                "create_fields",
                "status",
                "problem",
                "checked_at",
                "polled_at",
                "notified_at",
                "wait_until",
            ),
            "read from Jira",
        ),
    },
    Foundation: {"slug": "made from the line"},
    Offering: {
        **dict.fromkeys(
            (
                "lifecycle",
                "announced_on",
                "retires_on",
                "date_kind",
                "retires_month",
                "due_status",
                "replacement",
                "replacement_text",
                "lifecycle_claim",
                "price_claim",
            ),
            BY_SOURCES,
        ),
        **dict.fromkeys(
            (
                "version",
                "alias",
                "binding",
                "not_a_model",
                "identity_confidence",
                "identity_reason",
                "identity_explanation",
                "resolved_to",
            ),
            BY_IDENTITY,
        ),
        "kind": "set where the offering is added: a model ID, a name or a product",
    },
    Product: {"offering": "added with the product, and applications depend on it"},
    Price: {"valid": "follows from the first day", "claim": "the claim that the action stores"},
    RiskTemplate: {"built_in": "set by the release"},
}


@pytest.mark.parametrize("kind", sorted(RECORD_PAGES))
def test_no_column_is_forgotten(kind):
    record = RECORD_PAGES[kind].record
    columns = {field.name for field in record.model._meta.concrete_fields} - KEYS
    left_out = LEFT_OUT.get(record.model, {}).keys()

    assert columns - left_out == set(record.field_set.columns)
    assert left_out <= columns


@pytest.mark.parametrize("creating", [True, False])
@pytest.mark.parametrize("kind", sorted(RECORD_PAGES))
def test_form_and_serializer_have_the_fields_of_the_declaration(kind, creating):
    record = RECORD_PAGES[kind].record
    names = {*record.field_set.names_for(creating=creating), "reason"}

    form = record_form(record, creating=creating)()
    serializer = record_serializer(type(record), creating=creating)()

    assert set(form.fields) == names
    assert set(serializer.fields) == names
    for name in names - {"reason"}:
        assert form.fields[name].label == record.field_set.label(name)
        assert serializer.fields[name].help_text == record.field_set.help_text(name)
