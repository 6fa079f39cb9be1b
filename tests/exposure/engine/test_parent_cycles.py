"""What goes round in circles or very deep is cut, by the kept tables as by a full build."""

import pgtrigger
import pytest
from django.db import connection

from apps.catalog.footing import refresh_footing
from apps.catalog.models import Node, NodeKind, Offering
from apps.exposure.engine.settings import engine_settings
from apps.exposure.engine.states import application_states, node_failures
from apps.exposure.engine.table_refresh import rebuild, refresh
from apps.exposure.models import PartyFooting, Path
from tests.builders import (
    TODAY,
    make_application,
    make_dependency,
    make_foundation,
    make_offering,
    make_provider,
    make_version,
)
from tests.exposure.engine.tables import contents, differences, rebuilt

pytestmark = pytest.mark.django_db


def test_a_circle_of_redirects_is_no_redirect() -> None:
    offerings = [make_offering(lifecycle="retired", end_behaviour="redirect") for _ in range(3)]
    for offering, following in zip(offerings, [*offerings[1:], offerings[0]], strict=True):
        Offering.objects.filter(pk=offering.pk).update(replacement=following)
    application = make_application()
    make_dependency(application, make_offering())
    for offering in offerings:
        make_dependency(application, offering)
    rebuild(on=TODAY)
    refresh_footing(today=TODAY)
    refresh(on=TODAY)

    assert differences(contents(), rebuilt()) == []
    assert set(
        Path.objects.filter(offering_id__in=[offering.pk for offering in offerings]).values_list(
            "offering_id", "effective_id"
        )
    ) == {(offering.pk, offering.pk) for offering in offerings}


def test_a_long_chain_of_redirects_is_followed_to_its_end() -> None:
    last = make_offering()
    first = last
    for _ in range(40):
        first = make_offering(lifecycle="retired", end_behaviour="redirect", replacement=first)
    make_dependency(make_application(), first)
    rebuild(on=TODAY)

    assert Path.objects.get().effective_id == last.pk
    Offering.objects.filter(pk=last.pk).update(lifecycle="legacy")
    done = refresh(on=TODAY)
    assert done.n_applications == 1
    assert differences(contents(), rebuilt()) == []


def test_a_circle_of_owners_has_an_end_for_everybody_and_all_of_it_fails_together() -> None:
    first, second, third = (
        make_provider(f"owner{n}", roles=("developer", "gateway")) for n in range(3)
    )
    offering = make_offering(
        version=make_version(foundation=make_foundation("owner0/m", developer=first))
    )
    application = make_application()
    make_dependency(application, offering, reached="gateway", via_party=third)
    rebuild(on=TODAY)
    # as it could be written before the database refused it
    with pgtrigger.ignore("catalog.Provider:provider_no_circle"), connection.cursor() as cursor:
        for party, owner in ((first, second), (second, third), (third, first)):
            cursor.execute(
                "UPDATE catalog_provider SET parent_id = %s WHERE id = %s", [owner.pk, party.pk]
            )
    refresh_footing(today=TODAY)
    done = refresh(on=TODAY)

    assert done.rebuilt
    assert PartyFooting.objects.count() == 3
    for party in (first, second, third):
        for kind in (NodeKind.DEVELOPER, NodeKind.GATEWAY):
            node = Node.objects.get(kind=kind, ref=party.pk)
            (standing,) = application_states(node_failures([node.pk], settings=engine_settings()))
            assert (standing.application_id, standing.state) == (application.pk, "exposed")


def test_a_long_line_of_owners_counts_as_one_house() -> None:
    top = make_provider("top")
    parties = []
    for n in range(2):
        below = top
        for step in range(12):
            below = make_provider(f"line{n}-{step}", roles=("developer",), parent=below)
        parties.append(below)
    offerings = [
        make_offering(
            version=make_version(foundation=make_foundation(f"{party.slug}/m", developer=party))
        )
        for party in parties
    ]
    application = make_application()
    make_dependency(application, offerings[0])
    make_dependency(application, offerings[1], "fallback")
    rebuild(on=TODAY)

    version = Node.objects.get(kind=NodeKind.VERSION, ref=offerings[0].version_id)
    developer = Node.objects.get(kind=NodeKind.DEVELOPER, ref=top.pk)
    settings = engine_settings()
    assert [
        s.state for s in application_states(node_failures([version.pk], settings=settings))
    ] == ["cushioned"]
    assert [
        s.state
        for s in application_states(node_failures([version.pk], settings=settings, threat="error"))
    ] == ["exposed"]
    assert [
        s.state for s in application_states(node_failures([developer.pk], settings=settings))
    ] == ["exposed"]
