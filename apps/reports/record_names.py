"""Names of records in the audit log that have no name of their own, such as a dependency or an
assessment: each is named by what it connects."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from django.db import models

from apps.accounts.models import User
from apps.alerts.models import Alert
from apps.alerts.models.kinds import KINDS
from apps.catalog.models import Assertion, Node, ProviderEvent
from apps.exposure.models import CampaignTask
from apps.exposure.node_names import node_names
from apps.intake.models import Discrepancy
from apps.inventory.models import Dependency
from apps.issues.models import Cause, Issue
from apps.issues.subjects import load_subjects
from apps.risks.models import Assessment, Evidence, FoundationRisk

type Names = dict[Any, str]


def record_names(
    model: type[models.Model], ids: Collection[Any], rows: models.QuerySet[Any]
) -> Names | None:
    """Return {ID: name} of the records of `rows` with these IDs, or None for a model whose records
    have names. At most one statement, for causes and issues one for each type of subject."""
    name_rows = _NAMES.get(model)
    return None if name_rows is None else name_rows(rows.filter(pk__in=ids).order_by())


def _join(*parts: Any, by: str = " · ") -> str:
    return by.join(str(part) for part in parts if part)


def _name_users(rows: models.QuerySet[Any]) -> Names:
    people = rows.only("first_name", "last_name", "username")
    return {person.pk: str(person) for person in people}


def _name_dependencies(rows: models.QuerySet[Any]) -> Names:
    columns = rows.values_list("pk", "application__name", "offering__api_id")
    return {pk: _join(application, model_id) for pk, application, model_id in columns}


def _name_tasks(rows: models.QuerySet[Any]) -> Names:
    columns = rows.values_list("pk", "dependency__application__name", "campaign__title")
    return {pk: _join(application, campaign) for pk, application, campaign in columns}


def _risk_title(code: str | None, title: str, template_title: str | None) -> str:
    return _join(code, title or template_title, by=" ")


def _name_assessments(rows: models.QuerySet[Any]) -> Names:
    columns = rows.values_list(
        "pk",
        "risk__template__code",
        "risk__title",
        "risk__template__title",
        "dependency__application__name",
    )
    return {
        pk: f"{_risk_title(code, title, template_title)} for {application}"
        for pk, code, title, template_title, application in columns
    }


def _name_risks(rows: models.QuerySet[Any]) -> Names:
    columns = list(rows.values_list("pk", "template__code", "title", "template__title", "node_id"))
    names = node_names([node for *_, node in columns])
    return {
        pk: _join(
            _risk_title(code, title, template_title),
            names[node].label if node in names else "",
            by=" on ",
        )
        for pk, code, title, template_title, node in columns
    }


def _name_nodes(rows: models.QuerySet[Any]) -> Names:
    return {
        pk: name.label for pk, name in node_names(list(rows.values_list("pk", flat=True))).items()
    }


def _name_events(rows: models.QuerySet[Any]) -> Names:
    names = {}
    for event in rows.select_related("offering__host", "provider"):
        subject = event.subject_name
        if event.offering is not None:
            subject = f"{subject} on {event.offering.host.name}"
        names[event.pk] = f"{event.get_kind_display()}: {subject}"
    return names


def _name_assertions(rows: models.QuerySet[Any]) -> Names:
    return {
        claim.pk: f"{claim.get_topic_display()} of {claim.external_id} in {claim.source.name}"
        for claim in rows.select_related("source").only("topic", "external_id", "source__name")
    }


def _name_discrepancies(rows: models.QuerySet[Any]) -> Names:
    return {
        discrepancy.pk: _join(
            discrepancy.get_kind_display(),
            discrepancy.application.name if discrepancy.application else "",
        )
        for discrepancy in rows.select_related("application")
    }


def _name_evidence(rows: models.QuerySet[Any]) -> Names:
    columns = rows.values_list("pk", "kind", "metric", "application__name", "offering__api_id")
    return {
        pk: _join(metric or dict(Evidence.Kind.choices).get(kind), application or model_id)
        for pk, kind, metric, application, model_id in columns
    }


def _cause_names(causes: Iterable[Cause]) -> Mapping[Any, str]:
    known = list(causes)
    subjects = load_subjects(cause.subject for cause in known)
    return {
        cause.pk: f"{cause.get_kind_display()}: {subjects[cause.subject].name}" for cause in known
    }


def _name_causes(rows: models.QuerySet[Any]) -> Names:
    return dict(_cause_names(rows))


def _name_issues(rows: models.QuerySet[Any]) -> Names:
    issues = list(rows.select_related("cause", "application"))
    causes = _cause_names({issue.cause_id: issue.cause for issue in issues}.values())
    return {
        issue.pk: _join(causes[issue.cause_id], issue.application.name if issue.application else "")
        for issue in issues
    }


def _name_alerts(rows: models.QuerySet[Any]) -> Names:
    """Name alerts by their kind and what they are about."""
    alerts = rows.select_related("offering__host", "flag__policy", "source", "team", "user")
    return {
        alert.pk: _join(
            KINDS.get(alert.kind, "Alert"),
            alert.offering and f"{alert.offering.api_id} on {alert.offering.host.name}",
            alert.flag and alert.flag.policy.name,
            alert.source and alert.source.name,
            alert.user or alert.team,
        )
        for alert in alerts
    }


_NAMES: Mapping[type[models.Model], Callable[[models.QuerySet[Any]], Names]] = {
    Alert: _name_alerts,
    Assertion: _name_assertions,
    Assessment: _name_assessments,
    CampaignTask: _name_tasks,
    Cause: _name_causes,
    Dependency: _name_dependencies,
    Discrepancy: _name_discrepancies,
    Evidence: _name_evidence,
    FoundationRisk: _name_risks,
    Issue: _name_issues,
    Node: _name_nodes,
    ProviderEvent: _name_events,
    User: _name_users,
}
