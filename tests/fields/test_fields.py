"""A field that people can enter stands in the form, the REST resource, the spreadsheet, the export
and the history.

The columns of the model are the list; what is left out somewhere is named in records.py with its
reason. A copy is looked at in test_copies.py, and that what is entered arrives in test_entry.py.
"""

import csv
import io

import pytest
from django import forms
from django.db import models
from rest_framework.test import APIClient

import registry.urls  # noqa: F401  the forms of all pages are known
from apps.accounts.models import ApiToken
from apps.alerts.models import CalendarFeed, Channel
from apps.api.urls import VIEWSETS
from apps.catalog.models import Provider, RetirementAnnouncement
from apps.exposure.models import CampaignTask, LossRun
from apps.intake.models import IntakeSettings
from apps.intake.spreadsheets.columns.fields import FIELDS, READ_ONLY_COLUMN
from apps.intake.spreadsheets.columns.recognition import guess_mapping
from apps.intake.spreadsheets.export import application_headers, dependency_headers
from apps.intake.spreadsheets.files.tables import Book, Table
from apps.inventory.models import Contract
from apps.issues.models import Ticket
from apps.reports.models import EvidencePack, ModelStatement, ReportingEntity
from apps.web.views.records.pages import RECORD_PAGES
from tests.builders import make_user
from tests.fields.places import COPY, FORM, PLACES, READ, Exceptions, Record, Shape
from tests.fields.records import RECORDS
from tests.http import file_text, workbook_of

# what people make or change that is looked at elsewhere
ELSEWHERE: dict[type[models.Model], str] = {
    ApiToken: "a secret with a few settings, made once (tests/accounts/api_tokens/test_tokens.py)",
    Channel: "a webhook of another service, with secrets (tests/alerts/channels)",
    CalendarFeed: "a secret address, made once (tests/api/alerts/test_secret_feeds.py)",
    CampaignTask: "each fact has an action of its own (tests/exposure/campaigns)",
    EvidencePack: "asked for, made by a worker (tests/reports)",
    IntakeSettings: "one row, changed on its page alone (tests/web/views/intake/test_pages.py)",
    LossRun: "asked for, made by a worker (tests/exposure/loss)",
    ModelStatement: "stated on its page alone (tests/web/views/reports/test_pages.py)",
    Ticket: "requested once, created by a worker (tests/issues/tickets)",
    RetirementAnnouncement: "announced and withdrawn as a whole (tests/catalog/retirements)",
    # form, serializer and history are built from one declaration
    **{
        pages.record.model: "declared once (test_field_sets.py)"
        for pages in RECORD_PAGES.values()
        if pages.record.model not in (Contract, Provider)
    },
    ReportingEntity: "one row, changed on its page alone (tests/web/views/reports/test_pages.py)",
}
LOOKED_AT = [place for place in PLACES if place != COPY]


def forgotten(record: Record, place: str) -> list[str]:
    """Columns that stand nowhere at `place`, and without a reason."""
    return sorted(record.columns - record.found(place) - record.excepted(place).keys())


def not_needed(record: Record, place: str) -> list[str]:
    """Exceptions of columns that stand at `place` nevertheless, or are no columns."""
    excepted = set(record.excepted(place))
    return sorted(excepted & record.found(place) | excepted - record.columns)


@pytest.mark.parametrize("place", LOOKED_AT)
@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_no_field_is_forgotten_and_every_exception_is_needed(record, place):
    if not record.has(place):
        assert record.absent.get(place), f"say why {record.name} has no {place}"
        return
    assert place not in record.absent, f"{record.name} has {place} by now: declare its fields"
    assert forgotten(record, place) == []
    assert not_needed(record, place) == []


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_reasons_are_given_for_places_that_there_are(record):
    assert bool(record.copies) != (COPY in record.absent)
    assert all(
        reason for place in (*PLACES, *record.copies) for reason in record.excepted(place).values()
    )
    used = {place for places in record.exceptions for place in places}
    present = {place for place in PLACES if record.has(place)} | set(record.copies)
    for places in record.exceptions:
        assert present & set(places), f"{record.name} has none of {places}"
    assert used <= {*PLACES, *record.copies}


def test_every_record_that_people_edit_is_looked_at():
    written = {
        view.model
        for view in VIEWSETS.values()
        if hasattr(view, "create") or hasattr(view, "partial_update")
    }
    entered = {
        form._meta.model
        for form in _all_below(forms.ModelForm)
        if form.__module__.startswith("apps.web.")
    }
    looked_at = {record.model for record in RECORDS}

    assert (
        sorted(model.__name__ for model in (written | entered) - looked_at - ELSEWHERE.keys()) == []
    )
    assert (
        sorted(
            model.__name__
            for model in ELSEWHERE
            if model not in written | entered or model in looked_at
        )
        == []
    )


def _all_below(kind):
    for each in kind.__subclasses__():
        yield each
        yield from _all_below(each)


class TestFiles:
    @pytest.mark.django_db
    @pytest.mark.parametrize(
        "record", [record for record in RECORDS if record.resource], ids=lambda record: record.name
    )
    def test_the_list_as_a_file_has_every_column_that_is_read(self, record):
        client = APIClient()
        client.force_login(make_user(role="admin"))
        shown = [name for name, field in record.read[0].of().fields.items() if not field.write_only]

        text = file_text(client.get(f"/api/v1/{record.resource}/?format=csv"))

        heads = next(csv.reader(io.StringIO(text)))
        sheet = workbook_of(client.get(f"/api/v1/{record.resource}/?format=xlsx")).worksheets[0]
        assert heads == shown
        assert [cell.value for cell in next(sheet.iter_rows(max_row=1))] == heads

    @pytest.mark.parametrize(
        ("heads", "record"), [(application_headers, "application"), (dependency_headers, "use")]
    )
    def test_the_heads_of_an_exported_sheet_are_taken_for_what_they_are(self, heads, record):
        row = [str(head) for head in heads()]
        book = Book("csv", (Table("sheet", lambda: iter([(1, list(row)), (2, ["x"] * len(row))])),))

        (sheet,) = guess_mapping(book).sheets

        found = {row[place]: code for place, code in sheet.columns.items()}
        expected = {
            str(field.label): code for code, field in FIELDS.items() if field.record == record
        }
        assert {head: code for head, code in found.items() if code in expected.values()} == expected
        assert set(row) - set(found) <= {READ_ONLY_COLUMN}


class TestTheComparisonItself:
    """It can fail."""

    class Sample(forms.Form):
        name = forms.CharField()
        slug = forms.CharField()

    def record(self, exceptions: Exceptions) -> Record:
        return Record(RECORDS[0].model, form=(Shape(self.Sample),), exceptions=exceptions)

    def test_a_field_that_stands_nowhere_is_found(self):
        assert "function_ref" in forgotten(self.record({}), FORM)
        assert "name" not in forgotten(self.record({}), FORM)

    def test_a_field_with_a_reason_is_not_asked_for(self):
        assert "function_ref" not in forgotten(
            self.record({(FORM,): {"function_ref": "a reason"}}), FORM
        )
        assert "function_ref" in forgotten(
            self.record({(READ,): {"function_ref": "a reason"}}), FORM
        )

    def test_an_exception_that_is_no_longer_needed_is_found(self):
        assert not_needed(
            self.record({(FORM,): {"slug": "a reason", "colour": "a reason"}}), FORM
        ) == [
            "colour",
            "slug",
        ]
