"""Issues of names: the model ID is missing, and a retired name is a retirement."""

from datetime import timedelta

import pytest

from apps.catalog.identity.named_models import NamedModel, ensure_named_models
from apps.catalog.models import Offering, OfferingKind, Version
from apps.common.text import format_date
from apps.inventory.actions.named_models import identify_named_model
from apps.issues.evaluation import evaluate_issues
from apps.issues.models import Issue
from apps.issues.sentences import issue_text
from apps.issues.subjects import load_subjects
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_exit_plan,
    make_offering,
    make_provider,
    make_user,
    make_version,
)

pytestmark = pytest.mark.django_db


def _named(*versions: Version, **fields: str) -> Offering:
    name = NamedModel(
        "bedrock", "Haiku 3 / Bedrock", versions=tuple(v.identifier for v in versions), **fields
    )
    return Offering.objects.get(pk=ensure_named_models([name], at=NOW)[name])


def _retired_version() -> Version:
    version = make_version("anthropic/claude-3-haiku-20240307")
    for number in range(2):
        make_offering(
            f"haiku-{number}",
            host=make_provider("bedrock", name="Amazon Bedrock"),
            version=version,
            lifecycle="retired",
            retires_on=TODAY - timedelta(days=75),
            date_kind="firm",
        )
    return version


def _texts() -> set[tuple[str, str]]:
    rows = Issue.objects.unresolved().select_related("cause", "application")
    subjects = load_subjects(row.cause.subject for row in rows)
    texts = (issue_text(row, subjects[row.cause.subject], TODAY) for row in rows)
    return {(text.title, text.advice) for text in texts}


def test_a_name_of_a_retired_version_is_a_retirement_and_missing_data() -> None:
    make_dependency(make_application(status="production"), _named(_retired_version()))

    evaluate_issues(at=NOW)

    assert _texts() == {
        (
            "claude-3-haiku-20240307 retired on 10 September 2026 and is still used",
            "Calls might fail or reach another model. Migrate now.",
        ),
        (
            "The model ID of Haiku 3 / Bedrock on Amazon Bedrock is not known",
            "All 2 model IDs known for it at Amazon Bedrock are retired: calls might already fail. "
            "Choose the model ID.",
        ),
    }


def test_each_application_has_one_issue_of_one_cause_and_the_choice_resolves_them() -> None:
    named = _named()
    for _ in range(2):
        make_dependency(make_application(status="production"), named)
    evaluate_issues(at=NOW)
    issues = Issue.objects.filter(cause__subtype="model_id")
    assert (issues.count(), issues.values("cause").distinct().count()) == (2, 1)

    real = make_offering(host=named.host)
    identify_named_model(offering=named, real=real, by=make_user(role="governance"), at=NOW)
    evaluate_issues(at=NOW + timedelta(minutes=1))

    assert set(issues.values_list("state", "resolution")) == {("resolved", "completed")}


def test_a_product_is_an_issue_while_its_model_is_not_published() -> None:
    version = make_version()
    make_dependency(make_application(status="production"), _named(kind=OfferingKind.PRODUCT))
    evaluate_issues(at=NOW)
    issue = Issue.objects.get(cause__subtype="model_id")
    assert issue.state == "open"

    _named(version, kind=OfferingKind.PRODUCT)
    evaluate_issues(at=NOW + timedelta(minutes=1))

    issue.refresh_from_db()
    assert (issue.state, issue.resolution) == ("resolved", "completed")


def _name_of_ids(*ends: timedelta | None) -> Offering:
    """A name of one version with a model ID for each end."""
    version = make_version()
    for end in ends:
        dated = {} if end is None else {"retires_on": TODAY + end, "date_kind": "firm"}
        make_offering(
            host=make_provider("bedrock", name="Amazon Bedrock"),
            version=version,
            lifecycle="active" if end is None or end > timedelta() else "retired",
            **dated,
        )
    return _named(version)


def _issue_of_name() -> Issue:
    return Issue.objects.select_related("cause", "application").get(cause__subtype="model_id")


def _advice(issue: Issue) -> str:
    subject = load_subjects([issue.cause.subject])[issue.cause.subject]
    return issue_text(issue, subject, TODAY).advice


def test_a_name_of_which_one_model_id_is_retired_is_due_now() -> None:
    named = _name_of_ids(timedelta(days=-40), None, None)
    make_dependency(make_application(status="production"), named)

    evaluate_issues(at=NOW)

    issue = _issue_of_name()
    assert issue.act_by == TODAY - timedelta(days=40)
    assert _advice(issue) == (
        "1 of 3 model IDs known for it at Amazon Bedrock is retired: calls might already fail. "
        "Choose the model ID."
    )


def test_a_name_with_a_retired_model_id_without_a_date_is_due_now() -> None:
    named = _name_of_ids(None, None)
    Offering.objects.filter(pk=named.version.offerings.model_ids()[0].pk).update(
        lifecycle="retired"
    )
    make_dependency(make_application(status="production"), named)

    evaluate_issues(at=NOW)
    evaluate_issues(at=NOW + timedelta(days=2))

    assert _issue_of_name().act_by == TODAY


def test_a_name_of_which_one_model_id_retires_soon_is_as_urgent_as_that_retirement() -> None:
    named = _name_of_ids(timedelta(days=20), None)
    dependency = make_dependency(make_application(status="production", criticality=2), named)
    make_exit_plan(dependency, estimated_days=12)

    evaluate_issues(at=NOW)

    issue = _issue_of_name()
    assert issue.act_by == TODAY + timedelta(days=8)
    assert _advice(issue) == (
        f"2 model IDs at Amazon Bedrock are known for it. The next one retires on "
        f"{format_date(TODAY + timedelta(days=20))}. Choose the model ID."
    )


def test_a_later_retirement_does_not_postpone_the_question() -> None:
    named = _name_of_ids(timedelta(days=120))
    make_dependency(make_application(status="production", criticality=2), named)

    evaluate_issues(at=NOW)
    evaluate_issues(at=NOW + timedelta(days=5))

    assert _issue_of_name().act_by == TODAY + timedelta(days=30)


def test_a_resolved_issue_opens_again_when_a_model_id_of_the_name_retires() -> None:
    named = _name_of_ids(timedelta(days=3), None)
    make_dependency(make_application(status="production"), named)
    evaluate_issues(at=NOW)
    Issue.objects.filter(cause__subtype="model_id").update(
        state="resolved", resolution="completed", resolved_at=NOW, resolved_by=make_user()
    )

    evaluate_issues(at=NOW + timedelta(days=1))
    assert _issue_of_name().state == "resolved"
    evaluate_issues(at=NOW + timedelta(days=4))

    assert _issue_of_name().state == "open"
