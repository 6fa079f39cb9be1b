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

_APPLICATION_ROWS = """
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
"""
_APPLICATIONS = f"{_APPLICATION_ROWS} ORDER BY a.id LIMIT 50"
# what the product is asked as ?q=17&criticality=critical, in its order. No index holds two letters;
# the one of criticality and ID gives critical applications in order
_SEARCH = (
    f"{_APPLICATION_ROWS} WHERE a.name ILIKE '%17%' AND a.criticality = 0"
    " ORDER BY a.criticality, a.id LIMIT 50"
)
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
_OFFERINGS = """
SELECT o.id, h.slug AS host, o.api_id, o.region_scope AS region, o.service_tier AS tier, o.kind,
    ARRAY(SELECT coalesce(cv.identifier, cf.slug) FROM catalog_offeringcandidate c
        LEFT JOIN catalog_version cv ON cv.id = c.version_id
        LEFT JOIN catalog_foundation cf ON cf.id = c.foundation_id
        WHERE c.offering_id = o.id ORDER BY c.id) AS candidates,
    o.resolved_to_id AS resolved_to, o.name, o.category, v.identifier AS version,
    l.identifier AS alias, f.slug AS foundation, d.slug AS developer, o.binding, g.slug AS gateway,
    ARRAY(SELECT r.name FROM catalog_region r JOIN catalog_offering_regions q ON q.region_id = r.id
        WHERE q.offering_id = o.id ORDER BY r.name) AS regions,
    o.not_a_model, o.identity_confidence, o.identity_explanation AS identity_why, o.lifecycle,
    o.announced_on, o.retires_on, o.date_kind, o.retires_month,
    ARRAY(SELECT json_build_object('stage', s.stage, 'starts_on', s.starts_on, 'date_kind', s.date_kind,
            'source', src.slug) FROM catalog_offeringstage s
        JOIN catalog_assertion a ON a.id = s.claim_id JOIN catalog_source src ON src.id = a.source_id
        WHERE s.offering_id = o.id ORDER BY s.starts_on NULLS FIRST, s.id) AS stages,
    ARRAY(SELECT json_build_object('region', t.region, 'retires_on', t.retires_on, 'date_kind', t.date_kind,
            'source', src.slug) FROM catalog_regionalretirement t
        JOIN catalog_assertion a ON a.id = t.claim_id JOIN catalog_source src ON src.id = a.source_id
        WHERE t.offering_id = o.id ORDER BY t.region) AS regional_retirements,
    o.retires_on - current_date AS days_left, o.end_behaviour, o.replacement_id AS replacement,
    o.replacement_text, o.created_at, o.updated_at
FROM catalog_offering o JOIN catalog_provider h ON h.id = o.host_id
LEFT JOIN catalog_version v ON v.id = o.version_id LEFT JOIN catalog_alias l ON l.id = o.alias_id
LEFT JOIN catalog_foundation f ON f.id = v.foundation_id
LEFT JOIN catalog_provider d ON d.id = f.developer_id
LEFT JOIN catalog_provider g ON g.id = o.gateway_id
WHERE o.kind NOT IN ('feature', 'endpoint', 'parameter') ORDER BY o.id LIMIT 50
"""  # noqa: E501
_RELATIONS = {
    "applications": _APPLICATIONS,
    "dependencies": _DEPENDENCIES,
    "offerings": _OFFERINGS,
    "search": _SEARCH,
}


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
