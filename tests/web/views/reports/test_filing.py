"""The register as filed: its page, its downloads, and who gets them."""

import io
import zipfile
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.catalog.models import Provider
from apps.common.errors import ConflictError
from apps.common.time import day_of, now
from apps.inventory.models import Contract, ListExport
from apps.reports.models import ReportingEntity
from apps.web import tasks
from apps.web.pages import background_files
from apps.web.views.reports.filing import write_filing
from tests.http import body_of, text_of
from tests.kept_worlds import kept_world
from tests.reports.insurer import Insurer, make_insurer

SignIn = Callable[[User], Client]
VALID_LEI = "529900T8BM49AURSDO55"


@pytest.fixture
@kept_world
def insurer(db: None) -> Insurer:
    insurer = make_insurer(on=day_of(now()))
    ReportingEntity.objects.update(lei=VALID_LEI)
    return insurer


def test_the_page_lists_findings_with_their_record_rule_and_source(
    insurer: Insurer, as_user: SignIn
) -> None:
    Provider.objects.filter(slug="bedrock").update(legal_name="Amazon Web Services EMEA SARL")
    client = as_user(insurer.governance)

    page = client.get(reverse("reports:filing"))

    text = text_of(page)
    assert "would have the register of information rejected" in text
    assert "B_06.01.0020" in text
    assert "names no code of the published list" in text
    assert reverse("applications:edit", args=[insurer.triage.slug]) in page.content.decode()
    assert "No authority has accepted a package of this registry" in text
    assert "9 templates are filled elsewhere" in text
    assert "eba.europa.eu/single-rule-book-qa/qna/view/publicId/2024_7285" in text
    assert "is the designated company Amazon Web Services EMEA Sarl." in text
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("reports:filing"))
    assert len(queries) <= 30


def test_the_package_comes_as_a_zip_of_its_name(insurer: Insurer, as_user: SignIn) -> None:
    client = as_user(insurer.governance)

    answer = client.get(reverse("reports:filing-package"), {"scope": "CON", "currency": "USD"})

    assert answer["Content-Type"] == "application/zip"
    package = zipfile.ZipFile(io.BytesIO(body_of(answer)))
    [root] = {name.partition("/")[0] for name in package.namelist()}
    assert answer["Content-Disposition"] == f'attachment; filename="{root}.zip"'
    assert root.startswith(f"{VALID_LEI}.CON_DE_DORA010100_DORA_{day_of(now())}_")
    page = client.get(reverse("reports:filing")).content.decode()
    assert f'formaction="{reverse("reports:filing-package")}"' in page
    filed = body_of(client.get(reverse("reports:filing-csv", args=["b-05-01"]))).decode()
    assert filed == package.read(f"{root}/reports/b_05.01.csv").decode()
    assert client.get(reverse("reports:filing-csv", args=["b-01-01"])).status_code == 404


def test_without_an_entity_the_download_leads_to_what_is_missing(
    insurer: Insurer, as_user: SignIn
) -> None:
    ReportingEntity.objects.all().delete()
    client = as_user(insurer.governance)

    page = client.get(reverse("reports:filing-package"), follow=True)

    assert "The LEI of the reporting entity is missing. Governance enters it" in text_of(page)
    assert reverse("reports:filing-package") not in page.content.decode()
    entity = reverse("reports:reporting-entity") + "?filing"
    assert entity in page.content.decode()
    wrong = {"name": "Calder", "lei": VALID_LEI[:-1] + "6", "country": "DE"}
    assert "check digits" in text_of(client.post(entity, wrong))
    unknown = {"name": "Calder", "lei": VALID_LEI, "country": "XX"}
    assert "Not a country code" in text_of(client.post(entity, unknown))
    saved = client.post(entity, {"name": "Calder", "lei": VALID_LEI, "country": "DE"})
    assert saved["Location"] == reverse("reports:filing")


def test_a_day_without_rows_says_where_rows_come_from(insurer: Insurer, as_user: SignIn) -> None:
    page = as_user(insurer.governance).get(
        reverse("reports:filing"), {"reference_date": "2001-01-01"}
    )

    assert "No contract and no dependency on this day." in text_of(page)
    assert reverse("contracts:create") in page.content.decode()
    assert reverse("reports:filing-package") not in page.content.decode()


def test_without_a_contract_the_first_step_is_to_record_one(
    insurer: Insurer, as_user: SignIn
) -> None:
    Contract.objects.all().delete()

    page = as_user(insurer.governance).get(reverse("reports:filing"))

    assert "so every row lacks its contract reference" in text_of(page)
    assert reverse("contracts:create") + "?party=mistral" in page.content.decode()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"reference_date": "2999-12-31"}, "The reference date is in the future."),
        ({"reference_date": "2026-02-30"}, "Not a valid date."),
        ({"currency": "ABC"}, "Select a currency of ISO 4217, such as EUR."),
        ({"scope": "ALL"}, "Select individual or consolidated."),
    ],
)
def test_a_wrong_entry_is_named_and_no_file_is_made_of_it(
    insurer: Insurer, as_user: SignIn, query: dict[str, str], sentence: str
) -> None:
    client = as_user(insurer.governance)

    for address in (
        reverse("reports:filing"),
        reverse("reports:filing-package"),
        reverse("reports:filing-csv", args=["b-05-01"]),
    ):
        assert sentence in text_of(client.get(address, query, follow=True))
    with pytest.raises(ConflictError, match=sentence):
        write_filing(io.BytesIO(), query, user=insurer.governance, at=now())


def test_who_may_not_view_contracts_gets_none_of_it(insurer: Insurer, as_user: SignIn) -> None:
    client = as_user(insurer.editor)

    for address in ("filing", "filing-package"):
        assert client.get(reverse(f"reports:{address}")).status_code == 403
    assert client.get(reverse("reports:filing-csv", args=["b-05-01"])).status_code == 403
    assert reverse("reports:filing") not in client.get(reverse("reports:register")).content.decode()


def test_the_package_of_many_is_written_in_the_background(
    insurer: Insurer, as_user: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_files, "MAX_ROWS_PER_REQUEST", 1)
    monkeypatch.setattr(tasks.write_one_file, "delay", lambda pk: None)
    client = as_user(insurer.governance)

    offer = client.get(reverse("reports:filing-package"), {"scope": "CON"}, follow=True).context[
        "asked"
    ]
    client.post(reverse("files:create"), {"make": offer.kind, "query": offer.query})
    assert tasks.write_files() == 1

    file = ListExport.objects.get()
    assert (file.state, file.error) == ("done", "")
    assert file.name.startswith(f"{VALID_LEI}.CON_DE_")
    answer = client.get(reverse("files:download", args=[file.pk]))
    assert answer["Content-Type"] == "application/zip"
    package = zipfile.ZipFile(io.BytesIO(body_of(answer)))
    assert package.namelist()[0].startswith(file.name.removesuffix(".zip") + "/")
