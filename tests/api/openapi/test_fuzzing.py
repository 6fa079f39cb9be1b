"""Every operation of the OpenAPI document asked with made-up questions, right and wrong ones, about
things that exist.

No answer may be a 500, and every answer is one that the document names: status, media type, shape.
A few questions an operation here; FUZZ_EXAMPLES=50 asks more.
"""

import os
import warnings
from collections import defaultdict

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from apps.accounts.actions import issue_token
from apps.accounts.models import User
from apps.accounts.roles import Scope
from apps.api.urls import VIEWSETS
from apps.common.time import now
from registry.wsgi import application
from tests.worlds.organisation import organisation_copy

pytestmark = pytest.mark.proof

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "1"))
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
QUIET = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def organisation(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), organisation_copy():
        yield


@pytest.fixture
def token(organisation):
    user = User.objects.filter(is_superuser=True).first() or User.objects.get(
        organisation_role="admin"
    )
    # an API token that provisions can do nothing else
    scopes = [scope for scope in Scope if scope is not Scope.SCIM]
    _, text = issue_token(user=user, name="fuzz", scopes=scopes, at=now(), by=None)
    return text


@pytest.fixture
def document(token, settings):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {}}
    settings.ALLOWED_HOSTS = ["*"]
    # a request that ends would close the connection in whose transaction it is taken back
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        headers = {"Authorization": f"Bearer {token}"}
        yield schemathesis.openapi.from_wsgi(
            "/api/v1/schema/?format=json", application, headers=headers
        )
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def known_ids():
    """{resource: the key of the first thing of it}"""
    found = {}
    for name, viewset in VIEWSETS.items():
        view = viewset()
        first = (
            view.model._default_manager.values_list(view.lookup_field, flat=True)
            .order_by("pk")
            .first()
        )
        if first is not None:
            found[name] = first
    return found


def test_no_answer_is_a_failure_or_one_that_the_document_does_not_name(document, token):
    keys = known_ids()
    failures = defaultdict(list)
    seen = 0

    def asked(operation, mode):
        """A function that asks made-up questions of one operation; right ones about something that
        exists."""
        key = keys.get(operation.path.split("/")[3]) if mode is GenerationMode.POSITIVE else None

        @given(case=operation.as_strategy(generation_mode=mode))
        @QUIET
        def ask(case):
            nonlocal seen
            seen += 1
            if key is not None and case.path_parameters:
                case.path_parameters[next(iter(case.path_parameters))] = key
            with transaction.atomic():
                try:
                    answer = case.call(headers={"Authorization": f"Bearer {token}"})
                finally:
                    transaction.set_rollback(True)
            try:
                case.validate_response(answer, checks=CHECKS)
            except FailureGroup as failed:
                failures[operation.label].append(str(failed)[:2000])

        return ask

    for found in document.get_all_operations():
        operation = found.ok()
        changes = operation.method.upper() not in {"GET", "DELETE"}
        for mode in GenerationMode if changes else (GenerationMode.POSITIVE,):
            try:
                asked(operation, mode)()
            except Exception as error:  # noqa: BLE001
                failures[operation.label].append(f"{type(error).__name__}: {error}"[:2000])

    assert not failures, "\n\n".join(f"{label}: {told[0]}" for label, told in failures.items())
    assert seen >= 250
