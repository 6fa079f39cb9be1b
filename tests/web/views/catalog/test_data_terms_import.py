"""Import of data terms: a preview that writes nothing, errors by cell, all or nothing, undo."""

import csv
import io
from dataclasses import replace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.claims.term_import import plan_terms_import
from apps.catalog.claims.term_rows import TermRow, TermTable
from apps.catalog.models import Assertion
from apps.web.views.catalog.data_terms_import import present_preview
from tests.builders import TODAY, make_offering
from tests.http import text_of

ADDRESS = "/data-terms/import/"
HEADER = "Host,Model ID,Region,Tier,Term,Value,Source address,Day,Note"
SOURCE = f"https://example.com/terms,{TODAY.isoformat()},"


def terms_of(offering):
    values = settled_values([offering.pk], "data_terms").get(offering.pk, {})
    return {field: value.value for field, value in values.items()}


@pytest.fixture
def governance(world, as_user):
    return as_user(world.governance)


@pytest.fixture
def host(world):
    return world.sonnet.host


def upload(client, *lines, name="terms.csv"):
    """Upload rows without source and day, which are added."""
    text = "\n".join([HEADER, *(f"{line},{SOURCE}" for line in lines)])
    return client.post(ADDRESS, {"file": SimpleUploadedFile(name, text.encode())})


def confirm(client, preview, **changed):
    form = preview.context["preview"].form
    return client.post(ADDRESS, {**form.initial, **changed}, follow=True)


def errors_of(response):
    return [(error.number, error.column) for error in response.context["preview"].errors]


def test_the_page_teaches_the_columns_and_terms(governance):
    page = text_of(governance.get(ADDRESS))

    assert "Source address" in page
    assert "Inputs are used for training" in page


def test_the_template_can_be_read_again(governance):
    response = governance.get("/data-terms/import/template.csv")
    content = b"".join(response.streaming_content)

    assert len(list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))) == 3
    preview = governance.post(ADDRESS, {"file": SimpleUploadedFile("template.csv", content)})
    # its host is an example
    assert errors_of(preview) == [(2, "host"), (3, "host")]


def test_a_preview_writes_nothing(world, governance, host):
    response = upload(governance, f"{host.name},{world.sonnet.api_id},,,training_use,no")

    (offering,) = response.context["preview"].offerings
    (term,) = offering.terms
    assert (offering.name, term.now, term.new) == (world.sonnet.api_id, "unknown", "no")
    assert not Assertion.objects.filter(topic="data_terms").exists()


def test_a_confirmed_preview_is_written_and_undone_in_one_step(world, governance, host):
    other = make_offering("elsewhere")
    preview = upload(
        governance,
        f"{host.slug},*,,,training_use,no",
        f"{other.host.slug},{other.api_id},,,retention_days,30 days",
        f'{other.host.slug},{other.api_id},,,Data residency,"EU;CH"',
    )

    response = confirm(governance, preview)

    assert response.status_code == 200
    assert terms_of(world.sonnet)["training_use"] is False
    assert terms_of(other)["residency"] == ["CH", "EU"]
    history = Assertion.history.rel.related_model.objects.filter(topic="data_terms")
    (change,) = set(history.values_list("pgh_context_id", flat=True))
    governance.post(f"/data-terms/undo/{change}/")
    assert terms_of(world.sonnet) == terms_of(other) == {}


def test_rows_cover_the_region_and_tier_that_they_name(world, governance, host):
    regional = make_offering("regional", host=host, region_scope="eu", service_tier="batch")
    preview = upload(governance, f"{host.slug},*,EU,Batch,training_use,no")

    confirm(governance, preview)

    assert terms_of(regional) == {"training_use": False}
    assert terms_of(world.sonnet) == {}


def test_a_row_of_a_model_outranks_one_of_its_host(world, governance, host):
    sibling = make_offering("sibling", host=host)
    preview = upload(
        governance,
        f"{host.slug},{world.sonnet.api_id},,,training_use,no",
        f"{host.slug},*,,,training_use,yes",
    )

    confirm(governance, preview)

    assert terms_of(world.sonnet) == {"training_use": False}
    assert terms_of(sibling) == {"training_use": True}


def test_errors_name_their_cells_and_prevent_the_import(world, governance, host):
    model_id = world.sonnet.api_id
    response = upload(
        governance,
        f"{host.slug},{model_id},,,training_use,no",
        "no-such-host,*,,,training_use,no",
        f"{host.slug},no-such-model,,,training_use,no",
        f"{host.slug},{model_id},mars,,training_use,no",
        f"{host.slug},{model_id},,express,training_use,no",
        f"{host.slug},{model_id},,,training_use,perhaps",
        f"{host.slug},{model_id},,,subprocessors_url,javascript:alert(1)",
        f"{host.slug},{model_id},,,training_use,yes",
    )

    assert response.status_code == 422
    assert response.context["preview"].form is None
    assert errors_of(response) == [
        (3, "host"),
        (4, "model_id"),
        (5, "region"),
        (6, "tier"),
        (7, "value"),
        (8, "value"),
        (9, "value"),
    ]
    assert "Row 4, Model ID" in text_of(response)


def test_a_statement_without_address_and_note_is_an_error(world, governance, host):
    text = "\n".join(
        [
            HEADER,
            f"{host.slug},*,,,training_use,no,,{TODAY.isoformat()},",
            f"{host.slug},*,,,retention_days,0,,{TODAY.isoformat()},annex 2",
        ]
    )

    response = governance.post(ADDRESS, {"file": SimpleUploadedFile("a.csv", text.encode())})

    assert errors_of(response) == [(2, "source_url")]


def test_terms_that_are_recorded_are_not_imported_again(world, governance, host):
    line = f"{host.slug},{world.sonnet.api_id},,,training_use,no"
    confirm(governance, upload(governance, line))

    preview = upload(governance, line).context["preview"]

    assert (preview.n_offerings, preview.n_unchanged, preview.form) == (0, 1, None)


def test_a_preview_of_other_values_than_today_is_shown_again(world, governance, host):
    line = f"{host.slug},{world.sonnet.api_id},,,training_use"
    old = upload(governance, f"{line},no")
    confirm(governance, upload(governance, f"{line},yes"))

    response = confirm(governance, old)

    assert response.status_code == 422
    assert "changed after this preview" in text_of(response)
    assert terms_of(world.sonnet) == {"training_use": True}
    confirm(governance, response)
    assert terms_of(world.sonnet) == {"training_use": False}


@pytest.mark.parametrize("rows", ["", "forged:rows:value"])
def test_rows_that_no_preview_signed_are_refused(world, governance, host, rows):
    preview = upload(governance, f"{host.slug},*,,,training_use,no")

    response = confirm(governance, preview, rows=rows)

    assert response.status_code == 422
    assert not Assertion.objects.filter(topic="data_terms").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"%PDF-1.7", "Upload a CSV or XLSX file."),
        (b"Host,Term\nacme,x\n", "the columns Model ID, Value, Day"),
        (b"\n" * (1024 * 1024 + 1), "larger than 1 MiB"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_a_sentence(governance, content, sentence):
    response = governance.post(ADDRESS, {"file": SimpleUploadedFile("a.csv", content)})

    assert response.status_code == 422
    assert sentence in text_of(response)


def test_only_governance_imports_terms(world, as_user):
    client = as_user(world.editor)

    assert client.get(ADDRESS).status_code == 403
    assert client.get("/data-terms/import/template.csv").status_code == 403
    assert upload(client, "acme,*,,,training_use,no").status_code == 403
    assert client.post(ADDRESS, {"rows": "x", "digest": "y"}).status_code == 403


def test_a_preview_takes_a_fixed_number_of_statements(world, host, django_assert_num_queries):
    for number in range(20):
        make_offering(f"sibling-{number}", host=host)
    row = TermRow(
        number=2,
        host=host.slug,
        model_id="*",
        region="",
        tier="",
        field="training_use",
        value=False,
        at=TODAY,
        source_url="https://example.com/terms",
        note="",
    )
    table = TermTable(
        [row, *[replace(row, number=n + 3, model_id=f"sibling-{n}") for n in range(20)]], ()
    )

    with django_assert_num_queries(5):
        preview = present_preview(plan_terms_import(table, by=world.governance), table)

    assert preview.n_offerings >= 20
