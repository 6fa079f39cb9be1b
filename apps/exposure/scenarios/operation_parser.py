"""Parser of operations: JSON -> operations of the engine, or an error with its position.

Shapes: docs/exposure.md, section What-if scenarios. Names are looked up in the records that the
user can view, so hidden applications are reported as unknown.
"""

import re
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from django.core.exceptions import ValidationError

from apps.accounts.models import Team
from apps.catalog.models import Offering, Provider
from apps.common.validators import validate_plausible_date
from apps.exposure.engine.operations import (
    Add,
    AddedDependency,
    Move,
    Operation,
    Remove,
    Replace,
    ReplaceNode,
    Reprice,
    Retire,
)
from apps.exposure.node_names import UnknownNodeError, find_nodes
from apps.exposure.scenarios.replacement_targets import REPLACEABLE_KINDS
from apps.inventory.costs import InvalidPriceChangeError, PriceChange
from apps.inventory.models import (
    Application,
    ApplicationQuerySet,
    Criticality,
    Dependency,
    DependencyQuerySet,
)

MAX_OPERATIONS = 100
MAX_MAPPED_OFFERINGS = 2_000
_KEYS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {  # required, optional
    "remove": (frozenset({"nodes"}), frozenset()),
    "replace": (frozenset({"old", "new"}), frozenset()),
    "replace node": (frozenset({"node", "by"}), frozenset({"mapping"})),
    "move": (frozenset({"dependency", "offering"}), frozenset()),
    "reprice": (frozenset({"node"}), frozenset({"unit", "factor", "amount", "currency", "from"})),
    "add": (frozenset({"application"}), frozenset({"dependencies"})),
    "retire": (frozenset({"application"}), frozenset()),
}
_OPERATIONS = tuple(dict.fromkeys(key.partition(" ")[0] for key in _KEYS))
_APPLICATION_KEYS = frozenset(
    {"name", "team", "criticality", "status", "users_affected", "monthly_spend"}
)
_DEPENDENCY_KEYS = frozenset(
    {
        "offering",
        "role",
        "fallback_order",
        "traffic_share",
        "reached",
        "via_party",
        "monthly_input_tokens",
        "monthly_output_tokens",
        "monthly_spend",
    }
)


class InvalidOperationError(ValueError):
    """An invalid operation; the text names it and the correction."""


def read_operations(
    operations: Any,
    *,
    on: date,
    applications: ApplicationQuerySet,
    dependencies: DependencyQuerySet,
) -> list[Operation]:
    """Parse the operations; raises InvalidOperationError for an invalid one.

    `applications` and `dependencies` are those that the user can view; `on` is the day of the
    tables.
    """
    if not isinstance(operations, list) or not operations:
        raise InvalidOperationError(
            'Send a list of operations, such as [{"op": "remove", "nodes": ["host:azure"]}].'
        )
    if len(operations) > MAX_OPERATIONS:
        raise InvalidOperationError(
            f"You sent {len(operations)} operations. The maximum is {MAX_OPERATIONS}."
        )
    reader = _Reader(on, applications, dependencies)
    result: list[Operation] = []
    for number, entry in enumerate(operations, start=1):
        try:
            result.append(reader.read(entry))
        except (InvalidOperationError, UnknownNodeError, InvalidPriceChangeError) as problem:
            raise InvalidOperationError(f"Operation {number}: {problem}") from None
        except ValidationError as problem:
            raise InvalidOperationError(
                f"Operation {number}: {' '.join(problem.messages)}"
            ) from None
    return result


class _Reader:
    def __init__(
        self, on: date, applications: ApplicationQuerySet, dependencies: DependencyQuerySet
    ) -> None:
        self._on = on
        self._applications = applications
        self._dependencies = dependencies

    def read(self, entry: Any) -> Operation:
        if not isinstance(entry, dict) or entry.get("op") not in _OPERATIONS:
            raise InvalidOperationError(f"'op' must be one of {', '.join(_OPERATIONS)}.")
        is_node = entry["op"] == "replace" and "node" in entry
        required, optional = _KEYS["replace node" if is_node else entry["op"]]
        keys = set(entry) - {"op"}
        if missing_keys := sorted(required - keys):
            raise InvalidOperationError(f"'{missing_keys[0]}' is required for {entry['op']}.")
        if unknown_keys := sorted(keys - required - optional):
            raise InvalidOperationError(
                f"'{unknown_keys[0]}' is not a valid field of {entry['op']}. Remove it."
            )
        operation: Operation = getattr(self, f"_{entry['op']}")(entry)
        return operation

    def _remove(self, operation: Mapping[str, Any]) -> Remove:
        names = operation["nodes"]
        if (
            not isinstance(names, list)
            or not names
            or not all(isinstance(name, str) for name in names)
        ):
            raise InvalidOperationError(
                "'nodes' must be a list of names such as developer:anthropic."
            )
        return Remove(tuple(find_nodes(names).values()))

    def _replace(self, operation: Mapping[str, Any]) -> Replace | ReplaceNode:
        if "node" in operation:
            return self._replace_node(operation)
        return Replace(self._read_offering(operation["old"]), self._read_offering(operation["new"]))

    def _replace_node(self, operation: Mapping[str, Any]) -> ReplaceNode:
        names = (operation["node"], operation["by"])
        if not all(isinstance(name, str) for name in names):
            raise InvalidOperationError("'node' and 'by' must be names such as host:azure.")
        kinds = [name.partition(":")[0] for name in names]
        allowed = [kind.label for kind in REPLACEABLE_KINDS]
        if kinds[0] not in allowed or kinds[0] != kinds[1]:
            raise InvalidOperationError(
                f"'node' and 'by' must be of one kind: {', '.join(allowed)}."
            )
        if names[0] == names[1]:
            raise InvalidOperationError("'by' must be another one than 'node'.")
        ids = find_nodes(names)
        return ReplaceNode(
            ids[names[0]], ids[names[1]], self._read_mapping(operation.get("mapping"))
        )

    def _read_mapping(self, value: Any) -> dict[int, int | None] | None:
        """Read the rows of a mapping; all offerings are looked up in one statement."""
        if value is None:
            return None
        if not isinstance(value, list) or not all(
            isinstance(row, dict)
            and set(row) == {"old", "new"}
            and _is_id(row["old"])
            and (row["new"] is None or _is_id(row["new"]))
            for row in value
        ):
            raise InvalidOperationError(
                "'mapping' must be a list of rows such as {\"old\": 12, \"new\": 34}; 'new' is "
                "null for a model that stays as it is."
            )
        if len(value) > MAX_MAPPED_OFFERINGS:
            raise InvalidOperationError(
                f"A mapping has at most {MAX_MAPPED_OFFERINGS:,} rows. Yours has {len(value):,}."
            )
        mapping: dict[int, int | None] = {row["old"]: row["new"] for row in value}
        if len(mapping) < len(value):
            raise InvalidOperationError(
                "'mapping' names an offering twice. Remove one of the rows."
            )
        ids = {pk for pair in mapping.items() for pk in pair if pk is not None}
        known = set(Offering.objects.filter(pk__in=ids).values_list("pk", flat=True))
        if unknown := sorted(ids - known):
            raise InvalidOperationError(
                f"Offering {unknown[0]} was not found. Use its id, which you can find by host and "
                "api_id."
            )
        return {old: None if new == old else new for old, new in mapping.items()}

    def _move(self, operation: Mapping[str, Any]) -> Move:
        pk = operation["dependency"]
        if not _is_id(pk) or not self._dependencies.filter(pk=pk).exists():
            raise InvalidOperationError(
                f"Dependency {pk!r} was not found. It does not exist or you do not have access."
            )
        return Move(pk, self._read_offering(operation["offering"]))

    def _reprice(self, operation: Mapping[str, Any]) -> Reprice:
        if not isinstance(operation["node"], str):
            raise InvalidOperationError("'node' must be a name such as developer:anthropic.")
        starts = operation.get("from")
        return Reprice(
            PriceChange(
                node_id=find_nodes([operation["node"]])[operation["node"]],
                unit=operation.get("unit"),
                factor=_read_number(operation.get("factor"), "factor"),
                amount=_read_number(operation.get("amount"), "amount"),
                currency=operation.get("currency"),
                starts_on=None if starts is None else _read_day(starts, "from"),
            )
        )

    def _retire(self, operation: Mapping[str, Any]) -> Retire:
        application_id = (
            self._applications.filter(slug=str(operation["application"]))
            .values_list("pk", flat=True)
            .first()
        )
        if application_id is None:
            raise InvalidOperationError(
                f"Application {operation['application']!r} was not found. It does not exist "
                "or you do not have access."
            )
        return Retire(application_id)

    def _add(self, operation: Mapping[str, Any]) -> Add:
        """Read the operation that adds an application with its dependencies; criticality and status
        have defaults."""
        facts = _read_object(operation["application"], "application", _APPLICATION_KEYS)
        criticality = facts.pop("criticality", "standard")
        if criticality not in {level.name.lower() for level in Criticality}:
            raise InvalidOperationError(
                "'criticality' must be critical, important, standard or low."
            )
        team = Team.objects.filter(slug=str(facts.pop("team", ""))).first()
        if team is None:
            raise InvalidOperationError("'team' must be the slug of a team.")
        application = Application(
            name=str(facts.pop("name", "What if")),
            slug="what-if",
            team=team,
            criticality=Criticality[criticality.upper()],
            status=facts.pop("status", Application.Status.PRODUCTION),
            users_affected=facts.pop("users_affected", None),
            monthly_spend=facts.pop("monthly_spend", None),
        )
        application.clean_fields(exclude=["slug"])
        uses = operation.get("dependencies", [])
        if not isinstance(uses, list):
            raise InvalidOperationError("'dependencies' must be a list.")
        return Add(
            facts={
                "name": application.name,
                "slug": "what-if",
                "team_id": team.pk,
                "criticality": application.criticality,
                "status": application.status,
                "users_affected": application.users_affected,
                "monthly_spend": application.monthly_spend,
            },
            dependencies=tuple(self._read_added_dependency(use) for use in uses),
        )

    def _read_added_dependency(self, entry: Any) -> AddedDependency:
        """Read one dependency of an added application, by the rules of the inventory."""
        facts = _read_object(entry, "dependency", _DEPENDENCY_KEYS)
        offering_id = self._read_offering(facts.pop("offering", None))
        party = facts.pop("via_party", None)
        provider = Provider.objects.filter(slug=str(party)).first() if party is not None else None
        if party is not None and provider is None:
            raise InvalidOperationError(
                f"Provider {party!r} was not found. Use the slug of a provider."
            )
        dependency = Dependency(
            application_id=-1, offering_id=offering_id, since=self._on, via_party=provider, **facts
        )
        dependency.clean_fields(exclude=["application"])
        if (dependency.reached == Dependency.Reached.DIRECT) != (provider is None):
            raise InvalidOperationError(
                "'via_party' must name the gateway or vendor that relays the calls. Leave it "
                "out for a direct call."
            )
        if dependency.traffic_share is not None and dependency.traffic_share < 0:
            raise InvalidOperationError("'traffic_share' must be 0 or more.")
        base_facts = {name: getattr(dependency, name) for name in facts if name != "role"}
        if provider is not None:
            base_facts["via_party_id"] = provider.pk
        return AddedDependency(offering_id, role=dependency.role, since=self._on, facts=base_facts)

    def _read_offering(self, pk: Any) -> int:
        if not _is_id(pk) or not Offering.objects.filter(pk=pk).exists():
            raise InvalidOperationError(
                f"Offering {pk!r} was not found. Use its id, which you can find by host and api_id."
            )
        assert isinstance(pk, int)
        return pk


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def _read_object(value: Any, label: str, allowed_names: frozenset[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidOperationError(f"'{label}' must be an object.")
    if unknown_keys := sorted(set(value) - allowed_names):
        raise InvalidOperationError(
            f"'{unknown_keys[0]}' is not a valid field of '{label}'. Use one of: "
            f"{', '.join(sorted(allowed_names))}."
        )
    return dict(value)


def _read_number(value: Any, label: str) -> Fraction | None:
    if value is None:
        return None
    # with an exponent, a short text could request a number of a billion digits
    if not re.fullmatch(r"-?\d{1,18}(\.\d{1,18}|/0*[1-9]\d{0,17})?", str(value)):
        raise InvalidOperationError(
            f"'{label}' must be a number such as 1.5, or a fraction such as 3/2."
        )
    return Fraction(str(value))


def _read_day(value: Any, label: str) -> date:
    try:
        day = date.fromisoformat(str(value))
    except ValueError:
        raise InvalidOperationError(f"'{label}' must be a date such as 2027-01-31.") from None
    validate_plausible_date(day)
    return day
