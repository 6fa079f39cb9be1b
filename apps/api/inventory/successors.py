"""Candidates to succeed a dependency: read only, ranked, with those below the line."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from apps.catalog.capabilities.fit import FitItem
from apps.catalog.capabilities.values import SettledValue
from apps.exposure.successors.phrases import describe_obstacle, name_model
from apps.exposure.successors.records import (
    ExposureChange,
    FallbackEffect,
    MonthlyCost,
    Successor,
    SuccessorSearch,
)
from apps.inventory.costs import Money

_CENT = Decimal("0.01")


class CandidateFitSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    needed = serializers.JSONField(help_text="True, a number, names; null if it is not known.")
    new = serializers.JSONField(help_text="Value of the candidate; null is unknown.")
    verdict = serializers.CharField(help_text="kept, lost, unknown or not_used.")
    source = serializers.CharField()  # type: ignore[assignment]
    at = serializers.CharField(help_text="Day on which the source stated it; may be empty.")


class ObstacleSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(
        help_text="retired, retires_first, blocked, approval, region, data_terms or capability."
    )
    sentence = serializers.CharField()


class CandidateFallbackSerializer(serializers.Serializer[Any]):
    state = serializers.CharField(help_text="fits, unknown, breaks, retires, same or none.")
    offering = serializers.IntegerField(allow_null=True)
    independence = serializers.IntegerField(allow_null=True, help_text="0 to 5.")
    proposed_offering = serializers.IntegerField(
        allow_null=True, help_text="Another candidate that could become the fallback."
    )
    proposed_independence = serializers.IntegerField(allow_null=True)


class CandidateJudgeSerializer(serializers.Serializer[Any]):
    dependency = serializers.IntegerField()
    independence = serializers.IntegerField(help_text="0 to 5; up to 2 is one lineage.")


class CandidateTestSerializer(serializers.Serializer[Any]):
    application = serializers.CharField(
        allow_null=True, help_text="Slug; null if you cannot view the application."
    )
    result = serializers.CharField()
    tested_on = serializers.DateField()
    expires_on = serializers.DateField()
    missing = serializers.ListField(
        child=serializers.CharField(), help_text="Used fields that the tested use did not have."
    )


class CandidateToleranceSerializer(serializers.Serializer[Any]):
    policy = serializers.IntegerField()
    node = serializers.CharField(help_text="Name of the item; empty for a condition.")
    before = serializers.FloatField()
    after = serializers.FloatField()
    tolerance = serializers.FloatField()
    opens_flag = serializers.BooleanField(help_text="Opens a flag, or makes an open one worse.")
    closes_flag = serializers.BooleanField()


class CandidateSerializer(serializers.Serializer[Any]):
    offering = serializers.IntegerField()
    host = serializers.CharField(help_text="Slug of the host.")
    api_id = serializers.CharField()
    name = serializers.CharField(help_text="Name of the model.")
    reasons = serializers.ListField(
        child=serializers.CharField(), help_text="Why the offering is a candidate."
    )
    verdict = serializers.CharField(
        help_text="fits, breaks or unknown. Fits only if every used item and the region are kept."
    )
    below_line = ObstacleSerializer(
        many=True, help_text="Reasons against the candidate; empty above the line."
    )
    fit = CandidateFitSerializer(many=True)
    region = serializers.CharField(help_text="kept, lost, unknown or not_used.")
    areas = serializers.ListField(child=serializers.CharField())
    data_terms = serializers.JSONField(
        help_text="{field: {value, source, at}}; unknown is left out."
    )
    retires_on = serializers.DateField(allow_null=True)
    date_kind = serializers.CharField(help_text="firm, not_before, or empty without a date.")
    runway = serializers.IntegerField(
        allow_null=True, help_text="Days until the candidate retires; null without a date."
    )
    cost = serializers.DecimalField(
        max_digits=20,
        decimal_places=2,
        allow_null=True,
        help_text="Per month at the recorded volume and today's list prices; null is unknown.",
    )
    cost_difference = serializers.DecimalField(
        max_digits=20, decimal_places=2, allow_null=True, help_text="Candidate minus today's model."
    )
    currency = serializers.CharField(allow_null=True)
    cost_unknown = serializers.CharField(help_text="Why the cost is unknown; empty if it is known.")
    approval = serializers.CharField(
        help_text="approved, undecided, open (data missing), outside or blocked."
    )
    independence = serializers.IntegerField(
        allow_null=True, help_text="From today's model, 0 (same offering) to 5 (nothing shared)."
    )
    fallback = CandidateFallbackSerializer(allow_null=True)
    judges = CandidateJudgeSerializer(many=True)
    tests = CandidateTestSerializer(many=True)
    tolerances = CandidateToleranceSerializer(
        many=True,
        allow_null=True,
        help_text="Values of exposure policies; null without an organisation role.",
    )


class SuccessorsSerializer(serializers.Serializer[Any]):
    """Candidates of one dependency: those above the line first, best first."""

    dependency = serializers.IntegerField()
    offering = serializers.IntegerField()
    needs = serializers.JSONField(help_text="{field: needed}; empty if nothing is known.")
    required_areas = serializers.ListField(
        child=serializers.CharField(), help_text="Areas of which one must process the data."
    )
    cost = serializers.DecimalField(max_digits=20, decimal_places=2, allow_null=True)
    currency = serializers.CharField(allow_null=True)
    cost_unknown = serializers.CharField()
    n_keeping = serializers.IntegerField(help_text="Candidates that keep everything that is used.")
    candidates = CandidateSerializer(many=True)


def serialize_search(search: SuccessorSearch, *, with_tolerances: bool) -> dict[str, Any]:
    """Return the search as `SuccessorsSerializer` describes it."""
    return {
        "dependency": search.dependency.pk,
        "offering": search.dependency.offering_id,
        "needs": dict(search.needs),
        "required_areas": sorted(search.required_areas),
        **_serialize_cost(search.cost),
        "n_keeping": search.n_keeping,
        "candidates": [
            _serialize_candidate(row, search, with_tolerances=with_tolerances) for row in search.all
        ],
    }


def _serialize_candidate(
    row: Successor, search: SuccessorSearch, *, with_tolerances: bool
) -> dict[str, Any]:
    offering = row.offering
    verdict = "fits" if row.keeps_everything else "unknown"
    return {
        "offering": offering.pk,
        "host": offering.host.slug,
        "api_id": offering.api_id,
        "name": name_model(offering),
        "reasons": [str(reason) for reason in row.reasons],
        "verdict": "breaks" if row.is_broken else verdict,
        "below_line": [
            {"kind": str(obstacle.kind), "sentence": describe_obstacle(obstacle, row, search)}
            for obstacle in row.obstacles
        ],
        "fit": [_serialize_item(item) for item in row.fit.items],
        "region": str(row.region),
        "areas": sorted(row.areas),
        "data_terms": _serialize_terms(row.data_terms),
        "retires_on": _iso(offering.retires_on),
        "date_kind": offering.date_kind,
        "runway": row.runway_days,
        **_serialize_cost(row.cost),
        "cost_difference": _amount(row.difference),
        "approval": str(row.approval),
        "independence": row.independence,
        "fallback": _serialize_fallback(row.fallback) if row.fallback is not None else None,
        "judges": [
            {"dependency": judge.dependency.pk, "independence": judge.independence}
            for judge in row.judges
        ],
        "tests": [
            {
                "application": test.slug or None,
                "result": test.result,
                "tested_on": _iso(test.tested_on),
                "expires_on": _iso(test.ends_on),
                "missing": list(test.missing),
            }
            for test in row.tests
        ],
        "tolerances": [_serialize_change(change) for change in row.exposure]
        if with_tolerances
        else None,
    }


def _serialize_item(item: FitItem) -> dict[str, Any]:
    return {
        "field": item.field,
        "needed": item.needed,
        "new": item.new.value,
        "verdict": str(item.verdict),
        "source": item.new.source,
        "at": item.new.at,
    }


def _serialize_terms(terms: Mapping[str, SettledValue]) -> dict[str, Any]:
    return {
        field: {"value": term.value, "source": term.source, "at": term.at}
        for field, term in terms.items()
        if term.value is not None
    }


def _serialize_fallback(effect: FallbackEffect) -> dict[str, Any]:
    return {
        "state": str(effect.state),
        "offering": effect.offering.pk if effect.offering is not None else None,
        "independence": effect.independence,
        "proposed_offering": effect.proposed.pk if effect.proposed is not None else None,
        "proposed_independence": effect.proposed_independence,
    }


def _serialize_change(change: ExposureChange) -> dict[str, Any]:
    return {
        "policy": change.policy_id,
        "node": change.node,
        "before": float(change.before),
        "after": float(change.after),
        "tolerance": float(change.tolerance),
        "opens_flag": change.opens_flag,
        "closes_flag": change.closes_flag,
    }


def _serialize_cost(cost: MonthlyCost) -> dict[str, Any]:
    if isinstance(cost, Money):
        return {"cost": _amount(cost.amount), "currency": cost.currency, "cost_unknown": ""}
    return {"cost": None, "currency": None, "cost_unknown": cost.sentence}


def _amount(value: Any) -> str | None:
    if value is None:
        return None
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return str(exact.quantize(_CENT))


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
