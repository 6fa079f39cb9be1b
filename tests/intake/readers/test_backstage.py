"""A software catalogue brings applications and their owners; what it only points to stays where it
is."""

import pytest

from apps.accounts.roles import TeamRole
from apps.common.time import now
from apps.intake.documents.formats import FORMATS
from apps.intake.documents.ingest import receive_document
from apps.intake.documents.records import UnreadableError
from apps.intake.models import Observation
from apps.intake.readers.backstage import read_backstage
from apps.inventory.models import Application, Dependency
from tests.builders import (
    make_application,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_version,
)

CATALOGUE = b"""
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: support-assistant
  namespace: retail
  title: Support Assistant
  description: Answers questions of customers
  annotations: {github.com/project-slug: acme/support}
spec: {type: service, lifecycle: experimental, owner: care, dependsOn: ["resource:talker-1", "component:default/x"]}
---
---
apiVersion: backstage.io/v1alpha1
kind: RESOURCE
metadata: {name: Talker-1, namespace: retail}
spec: {type: ai-model, dependencyOf: ["Component:retail/support-assistant"]}
---
apiVersion: backstage.io/v1beta1
kind: Group
metadata: {name: care, namespace: retail}
spec: {type: team, profile: {displayName: Care Platform}}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: orphan}
spec: {type: service, lifecycle: production}
---
apiVersion: backstage.io/v1alpha1
kind: Location
metadata: {name: more}
spec: {targets: ["http://127.0.0.1/latest/meta-data"]}
---
apiVersion: argoproj.io/v1
kind: Component
metadata: {name: foreign}
"""  # noqa: E501


def receive(by, team=None, body=CATALOGUE):
    return receive_document(
        document_format=FORMATS["backstage"], body=body, by=by, at=now(), team=team
    )[0]


def test_components_are_applications_and_model_resources_are_uses():
    document = read_backstage(CATALOGUE)

    assert [
        (each.ref, each.name, each.owner, each.owner_name, each.status)
        for each in document.applications
    ] == [
        (
            "component:retail/support-assistant",
            "Support Assistant",
            "group:retail/care",
            "Care Platform",
            "pilot",
        ),
        ("component:default/orphan", "orphan", "", "", "production"),
    ]
    assert [(each.service, each.requested) for each in document.sightings] == [
        ("component:retail/support-assistant", "Talker-1")
    ]
    assert {part.reason.split(":")[0] for part in document.ignored} == {
        "Location more",
        "Component has an unsupported apiVersion",
        "component",
    }


@pytest.mark.parametrize("body", [b"a: 1\n---\n[", b"", b"\xff\xfe\x00"])
def test_what_is_no_catalogue_says_so(body):
    with pytest.raises(UnreadableError):
        read_backstage(body)


@pytest.mark.django_db
def test_applications_come_with_their_team_and_what_they_use():
    care = make_team("Care Platform")
    rest = make_team("Rest")
    offering = make_offering(
        "talker-1", host=make_provider("acme"), version=make_version("acme/talker-1")
    )
    by = make_member(care)
    make_member(rest, user=by)

    taken = receive(by, team=rest)

    found = {each.name: each for each in Application.objects.all()}
    assert {name: (each.team.name, each.status) for name, each in found.items()} == {
        "Support Assistant": ("Care Platform", "pilot"),
        "orphan": ("Rest", "production"),
    }
    assert found["Support Assistant"].external_refs["github"] == "acme/support"
    assert Dependency.objects.get().offering == offering
    assert taken.counts["applications"] == {"created": 2, "updated": 0, "unchanged": 0}


@pytest.mark.django_db
def test_a_second_look_changes_nothing_that_people_typed():
    care = make_team("Care Platform")
    by = make_member(care)
    known = make_application("Support Assistant", team=care, purpose="As we say it")

    receive(by, team=care)
    receive(by, team=care, body=CATALOGUE + b"\n# again")

    known.refresh_from_db()
    assert (known.purpose, known.external_refs["backstage"]) == (
        "As we say it",
        "component:retail/support-assistant",
    )
    assert Application.objects.filter(name="Support Assistant").count() == 1


@pytest.mark.django_db
def test_nobody_adds_applications_to_a_team_that_is_not_theirs():
    make_team("Care Platform")
    own = make_team("Own")
    by = make_member(own, TeamRole.EDITOR)

    taken = receive(by)

    assert not Application.objects.exists()
    assert not Observation.objects.exists()
    reasons = [part["reason"] for part in taken.problems["rejected"]]
    assert any("You need the editor role on Care Platform" in reason for reason in reasons)
    assert any("No owner is given, and no team was selected" in reason for reason in reasons)


@pytest.mark.shared
def test_the_recorded_catalogues_are_read_and_point_nowhere(shared):
    folder = shared / "samples" / "backstage"
    documents = {
        path.name: read_backstage(path.read_bytes()) for path in sorted(folder.glob("*.yaml"))
    }

    contact = documents["contact-centre.catalog-info.yaml"]
    assert [each.ref for each in contact.applications] == ["component:retail/support-assistant"]
    assert [each.requested for each in contact.sightings] == ["gpt-4o-prod"]
    assert [each.name for each in documents["backstage-demo.catalog-info.yaml"].applications] == [
        "backstage-demo"
    ]
