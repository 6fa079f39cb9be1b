"""manage.py ingest otlp: a recorded request, as the operator sends it."""

import gzip
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.intake.models import Observation
from apps.inventory.models import Dependency
from tests.builders import make_application, make_offering, make_provider, make_version
from tests.intake.telemetry.span_builders import as_json, as_protobuf, call, request

pytestmark = pytest.mark.django_db


def ingest(tmp_path, body, *options):
    file = tmp_path / "request"
    file.write_bytes(body)
    out = StringIO()
    call_command("ingest", "otlp", str(file), *options, stdout=out)
    return json.loads(out.getvalue())


def test_a_file_is_counted_for_the_application_and_once(tmp_path):
    make_offering("talker", host=make_provider("acme"), version=make_version("acme/talker-1"))
    application = make_application("Claims")
    body = as_protobuf(
        request(
            call("talker", "", **{"gen_ai.provider.name": "acme"}),
            call("nobody-knows", "", **{"gen_ai.provider.name": "acme"}),
        )
    )

    first = ingest(tmp_path, gzip.compress(body), "--application", application.slug)
    again = ingest(tmp_path, body, "--application", application.slug)

    assert (first["created"], again["created"], again["unchanged"]) == (
        Dependency.objects.count(),
        0,
        Dependency.objects.count(),
    )
    assert Dependency.objects.filter(application=application, offering__api_id="talker").exists()


def test_without_an_application_the_service_waits_and_is_named(tmp_path):
    told = ingest(tmp_path, as_json(request(call(), service="web")))

    assert told["created"] == 0
    assert [each["where"] for each in told["rejected"]] == ["web: gpt-4o"]
    assert Observation.objects.get().state == "unclaimed"


def test_what_is_no_request_is_refused(tmp_path):
    with pytest.raises(
        CommandError,
        match="The document is not an OTLP request in JSON or protobuf with traces or metrics",
    ):
        ingest(tmp_path, b"\xff\xff\xff")
