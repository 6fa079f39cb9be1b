"""Pages, files and REST answers about names of each kind: none says that no retirement is
announced, or that a known model is unresolved."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.alerts.calendar.feed import calendar_entries
from apps.catalog.footing import refresh_footing
from apps.catalog.identity.named_models import HOST_NOT_STATED, NamedModel, ensure_named_models
from apps.catalog.models import Offering, OfferingKind, Version
from apps.common.time import day_of, now
from apps.exposure.engine.table_refresh import rebuild
from apps.exposure.queries.portfolio import portfolio_figures
from apps.inventory.models import Application
from apps.inventory.read_models import refresh_applications
from apps.issues.evaluation import evaluate_issues
from apps.issues.models import Issue
from apps.web.presenters.change_effects import application_state, describe_effects
from tests.builders import (
    make_application,
    make_dependency,
    make_foundation,
    make_offering,
    make_provider,
    make_team,
    make_user,
    make_version,
)
from tests.http import text_of

pytestmark = pytest.mark.django_db
# what no text may say of a name
_FORBIDDEN = re.compile(
    r"no retirement date|no retirements? (?:is )?announced|no date|not announced|unresolved", re.I
)
# what is true of the model IDs that a name may be, and links and filters of pages
_TRUE = re.compile(
    r"the only ID of this version known at [\w ]+ has no retirement date"
    r"|Unresolved models|<option.*?</option>",
    re.I,
)


@pytest.fixture
def names() -> dict[str, Offering]:
    """Names and products of each kind without a known end, each the primary model of an application
    in production; every model ID in the catalogue is without a date."""
    maker = make_provider("anthropic", name="Anthropic", roles=("developer",))
    lines = [
        make_foundation(f"anthropic/claude-{n}", name=f"Claude {n}", developer=maker)
        for n in range(2)
    ]
    versions = [
        make_version(f"anthropic/claude-{n}-{day}", foundation=line)
        for n, line in enumerate(lines)
        for day in ("20240620", "20241022")
    ]
    bedrock = make_provider("bedrock", name="Amazon Bedrock")
    for version in versions:
        make_offering(host=bedrock, version=version)
    one, two = (version.identifier for version in versions[:2])
    family = tuple(line.slug for line in lines)
    wanted = {
        "one version": NamedModel("bedrock", "Sonnet one", versions=(one,)),
        "line": NamedModel("bedrock", "Sonnet line", versions=(one, two)),
        "family": NamedModel("bedrock", "Claude family", foundations=family),
        "no host": NamedModel(HOST_NOT_STATED, "Sonnet anywhere", versions=(one,)),
        "no candidate": NamedModel("bedrock", "Our model"),
        "product": NamedModel("bedrock", "product-a", foundations=family, kind="product"),
        "unknown product": NamedModel("bedrock", "product-b", kind="product"),
    }
    found = ensure_named_models(wanted.values(), at=now())
    team = make_team("Claims")
    for label, name in wanted.items():
        application = make_application(f"Uses {label}", team=team, status="production")
        make_dependency(application, Offering.objects.get(pk=found[name]))
    today = day_of(now())
    rebuild(on=today)
    refresh_applications(application_ids=Application.objects.values_list("pk", flat=True), on=today)
    evaluate_issues(at=now())
    return {label: Offering.objects.get(pk=found[name]) for label, name in wanted.items()}


def _pages_of(names: dict[str, Offering]) -> Iterator[str]:
    for route in ("home:overview", "calendar:list", "offerings:list", "applications:list"):
        yield reverse(route)
    for kind in (OfferingKind.NAME, OfferingKind.PRODUCT):
        yield f"{reverse('offerings:list')}?kind={kind}"
        yield f"{reverse('offerings:csv')}?kind={kind}"
    for application in Application.objects.all():
        page = reverse("applications:detail", args=[application.slug])
        yield page
        for tab in ("dependencies", "exit-readiness", "risks", "cost", "history"):
            yield f"{page}?tab={tab}"
        yield reverse("applications:stack-csv", args=[application.slug])
    for offering in names.values():
        yield reverse("offerings:detail", args=[offering.pk])
    for issue in Issue.objects.all():
        yield reverse("issues:detail", args=[issue.pk])


def _claims_in(text: str) -> list[str]:
    """Return the forbidden phrases with the words around them."""
    text = _TRUE.sub("", text)
    return [text[max(0, m.start() - 60) : m.end() + 40] for m in _FORBIDDEN.finditer(text)]


def test_no_page_or_file_says_that_a_name_has_no_date_or_is_unresolved(
    names: dict[str, Offering],
) -> None:
    client = Client()
    client.force_login(make_user("maren", role="governance"))

    claims = {path: _claims_in(text_of(client.get(path))) for path in _pages_of(names)}

    assert {path: found for path, found in claims.items() if found} == {}


def test_the_layers_of_a_name_show_what_its_candidates_agree_on(
    names: dict[str, Offering],
) -> None:
    client = Client()
    client.force_login(make_user("maren", role="governance"))
    for label, expected in {
        "line": ("one of 2 versions", "Claude 0", "Anthropic"),
        "family": ("one of 2 foundations", "Anthropic"),
        "no candidate": ("not known",),
    }.items():
        application = Application.objects.get(dependencies__offering=names[label])
        path = reverse("applications:detail", args=[application.slug])
        text = text_of(client.get(f"{path}?tab=dependencies"))
        for words in expected:
            assert words in text, (label, words)


def test_home_counts_no_name_as_an_unresolved_model(names: dict[str, Offering]) -> None:
    figures = portfolio_figures(user=make_user(role="governance"), on=day_of(now()))

    assert figures.n_unresolved == 0


def test_a_change_says_that_the_date_of_a_name_is_not_known(names: dict[str, Offering]) -> None:
    application = make_application(status="production")
    today = day_of(now())
    before = application_state(application, on=today)
    make_dependency(application, names["line"])

    effects = describe_effects(before, application_state(application, on=today))

    assert (
        "Runway: no retirement date before, unknown, because a model ID is not known now."
        in effects
    )


def test_calendars_and_titles_say_that_the_model_id_is_not_known(
    names: dict[str, Offering],
) -> None:
    version = Version.objects.get(identifier="anthropic/claude-0-20240620")
    version.offerings.model_ids().update(
        retires_on=day_of(now()) + timedelta(days=40), date_kind="firm", lifecycle="deprecated"
    )
    refresh_footing()
    entries, _is_cut = calendar_entries(make_user(role="governance"), today=day_of(now()))

    summaries = [entry.summary for entry in entries]
    assert any(
        "Sonnet one on Amazon Bedrock (model ID not known) retires" in text for text in summaries
    )
