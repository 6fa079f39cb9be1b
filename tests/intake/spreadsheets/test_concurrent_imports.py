"""Two at the same moment, each on a connection of its own."""

import threading

import pytest
from django.db import connection

from apps.common.history.context import audit_context
from apps.intake.models import Import
from apps.intake.spreadsheets.import_steps import confirm_import, run_sheet_import
from apps.inventory.models import Application, Dependency
from tests.builders import make_application
from tests.intake.spreadsheets.claims_team import make_claims_team, outcomes, preview, reasons
from tests.threads import call_at_once

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = [
    ["Application", "Team", "Geography", "Host", "Model"],
    ["Known", "", "US", "openai", "gpt-4o-2024-11-20"],
    ["New", "Claims", "US", "openai", "own-model"],
]


def test_of_two_who_confirm_one_import_one_is_told_that_it_is_done():
    claims = make_claims_team()
    make_application("Known", team=claims.team)
    read = preview(ROWS, claims.by)

    def confirming():
        return confirm_import(import_=Import.objects.get(pk=read.pk), by=claims.by)

    answers = call_at_once(confirming, confirming)

    assert sorted(type(answer).__name__ for answer in answers) == ["Import", "InvalidStateError"]
    assert (Application.objects.count(), Dependency.objects.count()) == (2, 2)


def test_of_two_imports_of_the_same_rows_the_second_finds_them_there():
    claims = make_claims_team()
    make_application("Known", team=claims.team)
    first, second = (preview(ROWS, claims.by) for _ in range(2))

    answers = call_at_once(
        *(lambda read=read: confirm_import(import_=read, by=claims.by) for read in (first, second))
    )

    assert [answer.state for answer in answers] == ["applied", "applied"]
    assert sorted(outcomes(first) + outcomes(second)) == ["added", "added", "refused", "refused"]
    assert (Application.objects.count(), Dependency.objects.count()) == (2, 2)


def test_a_worker_that_is_at_it_is_not_disturbed_and_a_change_that_comes_first_is_seen():
    claims = make_claims_team()
    known = make_application("Known", team=claims.team)
    read = preview(ROWS, claims.by)
    locked, go_on = threading.Event(), threading.Event()

    def somebody_else():
        from django.db import transaction

        with transaction.atomic(), audit_context(user=claims.by):
            Application.objects.filter(pk=known.pk).update(geography="Asia")
            locked.set()
            go_on.wait(10)
        return "changed"

    def confirming():
        locked.wait(10)
        threading.Timer(0.5, go_on.set).start()
        return confirm_import(import_=read, by=claims.by)

    def second_worker():
        locked.wait(10)
        threading.Event().wait(0.2)
        return run_sheet_import(read.pk)

    answers = call_at_once(somebody_else, confirming, second_worker)

    assert (answers[0], answers[2]) == ("changed", False)
    assert outcomes(answers[1]) == ["refused", "added"]
    assert "from empty to 'Asia'" in reasons(answers[1])[0][1]
    known.refresh_from_db()
    assert known.geography == "Asia"
    connection.close()
