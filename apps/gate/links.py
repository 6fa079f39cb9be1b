"""Links to the registry in a pipeline's log."""

from urllib.parse import urlencode

from django.conf import settings


def run_url(pk: int) -> str:
    return f"{settings.PUBLIC_URL}/gate/runs/{pk}/"


def finding_url(run: int, finding: int) -> str:
    return f"{run_url(run)}#finding-{finding}"


def waiver_url(*, application: str, rule: str, model: str) -> str:
    """Return the URL of the waiver request form, filled in."""
    query = {"application": application, "rule": rule, "model": model}
    filled = {key: value for key, value in query.items() if value}
    return f"{settings.PUBLIC_URL}/gate/waivers/new/?{urlencode(filled)}"


def status_url(pk: int) -> str:
    return f"{settings.PUBLIC_URL}/api/v1/gate/{pk}/"
