"""The baseline of REST lists: a bare view that runs one statement by hand and dumps JSON, on the
same server.

No middleware, no token, no rights, no filters. `application` is what a web server is given
(`manage.py bench`).
"""

import os
from collections.abc import Callable

import orjson
from django import setup
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

_APPLICATIONS = """
SELECT a.id, a.slug, a.name, a.purpose, t.slug AS team, a.business_owner,
    b.username AS business_owner_person, a.technical_owner, k.username AS technical_owner_person,
    a.criticality,
       a.criticality_reason, a.criticality_assessed_on, a.status, a.ai_act_class, a.ai_act_role,
       a.data_classification,
       a.personal_data, a.geography, a.business_function, a.function_ref, a.licensed_activity,
       a.autonomy,
       a.impact_of_discontinuing, a.users_affected, a.rto_hours, a.rpo_hours, a.monthly_spend,
       a.external_refs,
       a.next_review_on, m.slug AS merged_into, a.created_at, a.updated_at
FROM inventory_application a JOIN accounts_team t ON t.id = a.team_id
LEFT JOIN inventory_application m ON m.id = a.merged_into_id
LEFT JOIN accounts_user b ON b.id = a.business_owner_person_id
LEFT JOIN accounts_user k ON k.id = a.technical_owner_person_id
ORDER BY a.id LIMIT 50
"""
_DEPENDENCIES = """
SELECT d.id, a.slug AS application, d.offering_id AS offering, h.slug AS host, o.api_id,
    v.identifier AS version,
       f.slug AS foundation, d.role, d.fallback_order, d.traffic_share, d.monthly_input_tokens,
       d.monthly_output_tokens, d.monthly_cache_read_tokens, d.monthly_cache_write_tokens,
       d.monthly_requests,
       d.typical_request_tokens, d.monthly_spend, d.reached, p.slug AS via_party, d.binding, d.tags,
       d.features,
       d.origin AS known, d.since,
       d.until, d.last_observed_on, d.confirmed_on, d.created_at, d.updated_at
FROM inventory_dependency d JOIN inventory_application a ON a.id = d.application_id
JOIN catalog_offering o ON o.id = d.offering_id JOIN catalog_provider h ON h.id = o.host_id
LEFT JOIN catalog_version v ON v.id = o.version_id LEFT
JOIN catalog_foundation f ON f.id = v.foundation_id
LEFT JOIN catalog_provider p ON p.id = d.via_party_id
ORDER BY d.id LIMIT 50
"""
_RELATIONS = {"applications": _APPLICATIONS, "dependencies": _DEPENDENCIES}


def _listing(statement: str) -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            names = [column.name for column in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        body = orjson.dumps({"results": rows}, default=str)
        return HttpResponse(
            body, content_type="application/json", headers={"Content-Length": str(len(body))}
        )

    return view


urlpatterns = [path(f"{name}/", _listing(statement)) for name, statement in _RELATIONS.items()]


def _handler() -> WSGIHandler:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")
    setup()
    settings.MIDDLEWARE = []
    settings.ROOT_URLCONF = __name__
    return WSGIHandler()


def __getattr__(name: str) -> WSGIHandler:
    """Made when a server asks for it: whoever imports the statements keeps the site's own
    settings."""
    if name == "application":
        return _handler()
    raise AttributeError(name)
