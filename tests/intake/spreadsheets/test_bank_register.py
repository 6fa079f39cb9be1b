"""A register as a bank keeps it, imported into a fresh registry with every guess."""

import json
from collections import defaultdict
from datetime import UTC, date, datetime
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from apps.accounts.models import PersonState, Team, User
from apps.catalog.identity.named_models import known_model_ids
from apps.catalog.ingestion.builtin_catalogue import load_catalogue
from apps.catalog.models import Lifecycle, Offering, OfferingKind
from apps.common.time import day_of, now
from apps.intake.models import Import
from apps.inventory.models import Application, Dependency
from apps.issues.evaluation import evaluate_issues
from apps.issues.models import Issue

pytestmark = [pytest.mark.shared, pytest.mark.proof]
AT = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def _catalogue(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        load_catalogue(at=AT)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        yield
        transaction.set_rollback(True)


@pytest.fixture
def register(_catalogue, db, shared):
    return shared / "samples" / "sheets" / "bank-register.xlsx"


def ingest(file, *options):
    out = StringIO()
    call_command("ingest", "xlsx", str(file), *options, stdout=out)
    return json.loads(out.getvalue())


def used_models():
    return {
        (use.application.name, use.role): use.offering
        for use in Dependency.objects.select_related("application", "offering__host")
    }


def test_all_thirty_rows_come_in_and_no_offering_looks_real_that_is_not(register):
    known = set(Offering.objects.values_list("pk", flat=True))

    report = ingest(register, "--mapping", "auto")

    assert report["rejected"] == []
    assert Application.objects.count() == 30
    assert Team.objects.count() == 16
    assert User.objects.filter(state=PersonState.CONTACT).count() == 20
    added = Offering.objects.exclude(pk__in=known)
    # the one model ID is open weights on the bank's own machines
    assert [
        (offering.host.slug, offering.api_id, offering.version.identifier)
        for offering in added.filter(kind=OfferingKind.MODEL_ID)
    ] == [
        (
            "own-hosting",
            "meta-llama/Meta-Llama-3-70B-Instruct",
            "meta/llama-3-70b-instruct",
        )
    ]
    models = used_models()
    # 29 applications in use; two of them name two models
    assert len(models) == 31
    assert models["KYC Assist", "primary"].api_id == "GPT-4o (Azure)"
    assert models["Sanction screening explanations", "fallback"].api_id == "GPT-4.1"
    assert models["Dev assistant", "primary"].kind == OfferingKind.PRODUCT
    assert models["Trade surveillance notes", "primary"].api_id == "o1"
    for name, retired_on in (
        ("IT ticket routing", date(2026, 9, 10)),
        ("Sanction screening explanations", date(2026, 10, 14)),
        ("Trade surveillance notes", date(2026, 10, 23)),
        ("Marketing images", date(2026, 5, 12)),
        ("Mortgage doc extraction", date(2025, 9, 24)),
    ):
        offering = models[name, "primary"]
        assert (offering.lifecycle, offering.retires_on) == (Lifecycle.RETIRED, retired_on)


def test_values_become_facts(register):
    ingest(register, "--mapping", "auto")

    kyc = Application.objects.get(name="KYC Assist")
    bot = Application.objects.get(name="Old RPA mail bot")
    assert (kyc.team.name, kyc.criticality, kyc.status) == ("Retail Banking", 0, "production")
    assert (kyc.ai_act_class, kyc.personal_data) == ("high", True)
    assert (kyc.data_classification, kyc.users_affected) == ("confidential", 450)
    assert kyc.next_review_on == date(2027, 1, 1)
    assert kyc.dependencies.get().since == date(2025, 3, 1)
    assert kyc.business_owner_person.email == "anna.berg@nordhaven.example"
    assert Application.objects.get(name="HR policy chatbot").users_affected == 8000
    assert (bot.status, bot.business_owner, bot.business_owner_person) == (
        "retired",
        "left the bank",
        None,
    )


def test_a_proposal_writes_nothing_and_is_taken_back_with_its_choices(register, tmp_path):
    n_offerings = Offering.objects.count()

    proposal = ingest(register, "--propose")

    assert set(proposal) == {"created", "updated", "unchanged", "rejected", "mapping", "models"}
    assert not Import.objects.exists()
    assert not Team.objects.exists()
    assert Offering.objects.count() == n_offerings
    kinds = {"resolved", "choose", "family", "product", "unknown"}
    assert {model["kind"] for model in proposal["models"]} <= kinds
    tiers = proposal["mapping"]["values"]["application.criticality"]
    assert [(tier["text"], tier["n"], tier["value"], tier["certainty"]) for tier in tiers] == [
        ("Tier 1", 11, 0, "by order"),
        ("Tier 2", 9, 1, "by order"),
        ("Tier 3", 8, 2, "by order"),
        ("Tier 4", 2, 3, "by order"),
    ]
    tiers[3]["value"] = None
    [haiku] = [model for model in proposal["models"] if model["text"] == "Haiku 3"]
    haiku["choice"] = haiku["offerings"][0]["api_id"]
    edited = tmp_path / "mapping.json"
    edited.write_text(json.dumps(proposal))

    report = ingest(register, "--mapping", str(edited))

    assert report["created"] == proposal["created"]
    routing = Dependency.objects.get(application__name="IT ticket routing").offering
    assert (routing.kind, routing.api_id) == (OfferingKind.MODEL_ID, haiku["choice"])
    # without a value, the field has its default
    assert Application.objects.get(name="Translation desk").criticality == 2


def test_the_same_file_again_changes_nothing(register):
    ingest(register, "--mapping", "auto")

    again = ingest(register, "--mapping", "auto")

    assert (again["created"], again["updated"]) == (0, 0)
    assert again["unchanged"] == 61


def test_every_retired_model_in_use_is_an_issue_that_is_due_now(register):
    ingest(register, "--mapping", "auto")
    at = now()

    evaluate_issues(at=at)

    due = defaultdict(set)
    for issue in Issue.objects.filter(act_by__lte=day_of(at)).select_related(
        "application", "cause"
    ):
        due[issue.application.name].add(issue.cause.subtype or str(issue.cause.kind))
    # the retirement; of a name also its model ID, which is all that is known of a family
    expected = {
        "Contract review": {"model_id"},
        "Credit memo drafter": {"model_id", "retirement"},
        "ESG report extraction": {"model_id"},
        "Equity research summaries": {"retirement"},
        "IT ticket routing": {"model_id", "retirement"},
        "Marketing images": {"retirement"},
        "Mortgage doc extraction": {"model_id", "retirement"},
        "Sanction screening explanations": {"model_id", "retirement"},
        "Trade surveillance notes": {"retirement"},
        "Translation desk": {"model_id"},
    }
    assert {name: due[name] & kinds for name, kinds in expected.items()} == expected
    for (name, _role), offering in used_models().items():
        known = Offering.objects.filter(pk__in=known_model_ids([offering.pk]).get(offering.pk, ()))
        if offering.is_retired(day_of(at)):
            assert "retirement" in due[name], name
        if any(row.is_retired(day_of(at)) for row in known):
            assert "model_id" in due[name], name
