"""Offline bundle: the signed state of the catalogue for one application, with which a pipeline
without a token can decide.

Pull requests of forks get no token. A trusted pipeline fetches the bundle and stores it where they
can read it; the client verifies the signature with the public key that is pinned in the pipeline's
file, and trusts nothing else in it. A bundle is valid for as long as the catalogue in it may be
used (the policy's days), and contains only findings: its reader learns what the gate would report
for each known model, for this application."""

import base64
from copy import copy
from datetime import datetime
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from apps.catalog.identity.hosts import HOSTS
from apps.catalog.models import Offering
from apps.common.time import day_of
from apps.gate.links import waiver_url
from apps.gate.matching import RequestedModel, match_offerings
from apps.gate.models import Waiver
from apps.gate.models.policy import describe_horizon
from apps.gate.rules.catalogue_freshness import catalogue_state
from apps.gate.rules.definitions import Level, Rule
from apps.gate.rules.engine import apply_rules
from apps.gate.rules.evaluation import (
    PolicySnapshot,
    finding_levels,
    last_released_run,
    load_rule_context,
)
from apps.inventory.models import Application

BUNDLE_FORMAT = 1
_PURPOSE = b"foundation registry: gate bundle, ed25519, 1"


def build_bundle(*, application: Application, environment: str, at: datetime) -> dict[str, Any]:
    """Build the bundle; equal on the same day as long as nothing changes, so that an ETag works.
    About twenty statements."""
    rules = _disable_evidence_rule(PolicySnapshot.load())
    today = day_of(at)
    state = catalogue_state(at=at, stale_after_days=rules.policy.stale_after_days)
    rows = list(
        Offering.objects.model_ids()
        .filter(not_a_model=False, host__isnull=False)
        .order_by("host__slug", "api_id", "region_scope", "service_tier", "pk")
        .values_list(
            "pk", "host__slug", "host__name", "api_id", "version__foundation__developer__slug"
        )
    )
    requested = [RequestedModel(api_id, host) for _, host, _, api_id, _ in rows]
    matches = match_offerings([row[0] for row in rows], [None] * len(rows))
    context = load_rule_context(
        application, requested, matches, rules, environment=environment, on=today
    )
    released = last_released_run(application=application, environment=environment)
    ids_by_host: dict[str, list[str]] = {}
    for _, host, _, api_id, _ in rows:
        if not (ids := ids_by_host.setdefault(host, [])) or ids[-1] != api_id:
            ids.append(api_id)
    host_of = {pk: host for pk, host, *_ in rows}
    finding_rows = {
        (host_of.get(finding.offering or 0, ""), finding.model, finding.rule): [
            host_of.get(finding.offering or 0, ""),
            finding.model,
            finding.resolved_id,
            finding.rule,
            finding.level,
            finding.message,
            finding.replacement,
            finding.by_date.isoformat() if finding.by_date else None,
        ]
        # of one ID in several regions the first row wins, usually the one without a region: the
        # online gate decides about the same one
        for finding in reversed(apply_rules(context))
    }
    return {
        "format": BUNDLE_FORMAT,
        "application": application.slug,
        "environment": environment,
        "as_of": today.isoformat(),
        "catalogue_as_of": state.as_of.isoformat() if state.as_of else None,
        "catalogue_sources": state.sources,
        "valid_until": state.valid_until.isoformat() if state.valid_until else None,
        "refusal": state.refusal,
        "horizon": describe_horizon(rules.horizons, environment, application.criticality),
        "policy_version": str(rules.policy.version),
        "levels": {
            str(rule): rules.policy.level(rule) for rule in (Rule.UNKNOWN_MODEL, Rule.WILDCARD)
        },
        "findings": sorted(finding_rows.values(), key=lambda row: (row[0], row[1], row[3])),
        "known": ids_by_host,
        "names": {slug: name for _, slug, name, _, _ in rows},
        "own": _find_developer_hosts(rows),
        "waivers": [
            [row.rule, row.model, row.until.isoformat()]
            for row in Waiver.objects.standing_on(today)
            .filter(application=application, offering=None)
            .order_by("pk")
        ],
        "released": sorted([*key, level] for key, level in finding_levels(released).items())
        if released
        else [],
        "ask_waiver_url": waiver_url(application=application.slug, rule="", model=""),
    }


def _disable_evidence_rule(rules: PolicySnapshot) -> PolicySnapshot:
    """Leave the evaluation rule out: whether every known model has been evaluated informs no
    reader."""
    policy = copy(rules.policy)
    policy.levels = {**policy.levels, str(Rule.EVIDENCE_MISSING): str(Level.OFF)}
    return PolicySnapshot(policy, rules.horizons)


def _find_developer_hosts(rows: list[tuple[Any, ...]]) -> dict[str, str]:
    """Return {id: host} of IDs that several hosts offer, if one of them is the developer's own."""
    hosts: dict[str, set[str]] = {}
    for _, host, _, api_id, _ in rows:
        hosts.setdefault(api_id, set()).add(host)
    developer_of = {host.slug: host.developer for host in HOSTS}
    return {
        api_id: host
        for _, host, _, api_id, developer in rows
        if len(hosts[api_id]) > 1 and developer and developer in (developer_of.get(host), host)
    }


def sign_bundle(bundle: dict[str, Any]) -> dict[str, str]:
    """Return the envelope: the bundle's bytes as they were signed, the signature and the public
    key, which is only meaningful if it is pinned elsewhere."""
    payload = orjson.dumps(bundle, option=orjson.OPT_SORT_KEYS)
    return {
        "algorithm": "ed25519",
        "key": public_key(),
        "payload": base64.b64encode(payload).decode(),
        "signature": base64.b64encode(_private_key().sign(payload)).decode(),
    }


def public_key() -> str:
    """Return the public key as pipelines pin it: 64 hexadecimal digits. It changes with
    SECRET_KEY."""
    return _private_key().public_key().public_bytes_raw().hex()


def _private_key() -> Ed25519PrivateKey:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE)
    return Ed25519PrivateKey.from_private_bytes(derive.derive(str(settings.SECRET_KEY).encode()))
