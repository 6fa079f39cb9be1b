"""Lines of the audit log name people and records instead of usernames, keys and numbers."""

import pytest

from apps.accounts.roles import OrganisationRole
from apps.catalog.models import NodeKind
from apps.common.history.context import audit_context
from apps.reports.audit_log import AuditForm, audit_page
from apps.risks.models import Assessment
from tests.builders import (
    make_application,
    make_assessment,
    make_dependency,
    make_event,
    make_flag,
    make_node,
    make_offering,
    make_risk,
    make_template,
    make_user,
)

pytestmark = pytest.mark.django_db


def entries(user, kind):
    form = AuditForm({"kind": kind})
    assert form.is_valid()
    return audit_page(user=user, cleaned=form.cleaned_data, size=20).rows


@pytest.fixture
def auditor():
    return make_user("edith", role=OrganisationRole.AUDITOR)


class TestNames:
    def test_an_assessment_is_its_risk_and_application_and_its_owner_a_person(self, auditor):
        ilse = make_user("ilse", first_name="Ilse", last_name="Brandt")
        dependency = make_dependency(make_application("Claims triage"), make_offering("m-1"))
        risk = make_risk(
            make_node(NodeKind.OFFERING, dependency.offering), make_template("R-1", title="Drifts")
        )
        with audit_context(user=ilse, reason="first look"):
            make_assessment(risk, dependency, owner=ilse)

        (entry,) = entries(auditor, "risks.assessment")

        assert entry.name == "R-1 Drifts for Claims triage"
        assert (entry.actor, entry.actor_name) == ("ilse", "Ilse Brandt")
        shown = {difference.label: difference.new for difference in entry.differences}
        assert shown["owner"] == "Ilse Brandt"
        assert shown["dependency"] == "Claims triage · m-1"
        assert shown["risk"].startswith("R-1 Drifts on ")

    def test_a_removed_record_is_named_by_its_kind(self, auditor):
        dependency = make_dependency(make_application(), make_offering())
        make_assessment(make_risk(make_node(NodeKind.OFFERING, dependency.offering)), dependency)
        Assessment.objects.all().delete()

        assert all(not entry.name.startswith("#") for entry in entries(auditor, "risks.assessment"))

    def test_applications_of_a_flag_are_names(self, auditor):
        names = ("Alpha", "Beta")
        flag = make_flag(application_ids=[make_application(name).pk for name in names] + [10**9])

        entry = next(
            entry for entry in entries(auditor, "exposure.exposureflag") if entry.record == flag.pk
        )

        (shown,) = [one.new for one in entry.differences if one.field == "application_ids"]
        assert shown == "Alpha, Beta, 1 other application"

    def test_an_event_says_what_happened_to_which_offering(self, auditor):
        event = make_event(make_offering("m-9"))

        (entry,) = entries(auditor, "catalog.providerevent")

        assert entry.name == f"{event.get_kind_display()}: m-9 on {event.offering.host.name}"
