"""A register as a bank keeps it, imported into a fresh registry with every guess."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from apps.accounts.models import PersonState, Team, User
from apps.catalog.ingestion.builtin_catalogue import load_catalogue
from apps.catalog.models import Offering, OfferingKind
from apps.common.time import now
from apps.intake.models import Import, ImportValue
from apps.inventory.models import Application, Dependency

pytestmark = [pytest.mark.django_db, pytest.mark.shared]


def ingest(file, *options):
    out = StringIO()
    call_command("ingest", "xlsx", str(file), *options, stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def register(shared):
    load_catalogue(at=now())
    return shared / "samples" / "sheets" / "bank-register.xlsx"


def test_debug(register):
    ids = set(Offering.objects.values_list("pk", flat=True))
    proposal = ingest(register, "--propose")
    print(json.dumps({k: v for k, v in proposal.items() if k != "models"}, indent=1, ensure_ascii=False))
    for m in proposal["models"]:
        print(m["text"], "|", m["host"], "|", m["kind"], m["version"], m["versions"], m["foundations"][:3], len(m["offerings"]), [(o["api_id"], o["retires_on"]) for o in m["offerings"]][:3], m["host_slug"], m["why"])
    assert not Import.objects.exists()
    report = ingest(register, "--mapping", "auto")
    print({k: v for k, v in report.items() if k not in ("models", "mapping")})
    for a in Application.objects.order_by("pk"):
        print(a, a.team, a.business_owner, a.criticality, a.status, a.users_affected, a.monthly_spend, a.next_review_on, [(str(d.offering), d.offering.kind, d.role, str(d.since), d.monthly_spend, d.offering.lifecycle, d.offering.retires_on) for d in a.dependencies.all()])
    for r in Import.objects.get().rows.exclude(reasons=[]):
        print(r.number, r.reasons)
    print([str(o) for o in Offering.objects.exclude(pk__in=ids)], Offering.objects.exclude(pk__in=ids).values_list("kind", flat=True))
    assert 0
