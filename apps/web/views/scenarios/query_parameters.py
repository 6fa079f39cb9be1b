"""Query parameters of a scenario, read from the URL and written into it: every change is one field
of the query.

`remove=host:azure`, `replace=OLD:NEW` and `move=DEPENDENCY:OFFERING` by ids, `reprice=NODE*FACTOR`,
`retire=SLUG`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.urls import reverse

from apps.accounts.models import User
from apps.catalog.models import Offering
from apps.exposure.node_names import NodeName, UnknownNodeError, find_nodes, node_names
from apps.inventory.models import Application, Dependency

FIELDS = ("remove", "replace", "move", "reprice", "retire")
MAX_CHANGES = 20


@dataclass(frozen=True, slots=True)
class ScenarioChange:
    """Change in words, with the URL without it; `op` is its form in a stored scenario."""

    field: str
    said: str
    op: Mapping[str, Any]
    words: str
    without: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ScenarioQuery:
    changes: Sequence[ScenarioChange]
    basis: str

    @property
    def ops(self) -> list[dict[str, Any]]:
        return [dict(change.op) for change in self.changes if not change.problem]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return [(change.field, change.said) for change in self.changes]

    @property
    def problems(self) -> list[str]:
        return [change.problem for change in self.changes if change.problem]

    @property
    def only_removes(self) -> bool:
        return bool(self.ops) and all(op["op"] == "remove" for op in self.ops)

    @property
    def removed(self) -> list[str]:
        return [name for op in self.ops if op["op"] == "remove" for name in op["nodes"]]

    @property
    def name(self) -> str:
        """Return the default name of the scenario until a user names it."""
        words = [change.words for change in self.changes if not change.problem]
        return (" and ".join(words[:3]) + (f" +{len(words) - 3}" if len(words) > 3 else ""))[
            :200
        ] or "What if"

    def address(self, **more: Any) -> str:
        pairs = [*self.pairs, *((name, str(value)) for name, value in more.items() if value)]
        return (
            f"{reverse('scenarios:preview')}?{urlencode(pairs, safe=':*/')}"
            if pairs
            else reverse("scenarios:preview")
        )


def parse_query(request: HttpRequest, user: User) -> ScenarioQuery:
    """Parse at most MAX_CHANGES changes. Names are looked up together: up to four statements."""
    query = request.GET
    said = list(
        dict.fromkeys((field, value) for field in FIELDS for value in query.getlist(field) if value)
    )[:MAX_CHANGES]
    return ScenarioQuery(describe_changes(said, user), query.get("basis", ""))


def describe_changes(said: Sequence[tuple[str, str]], user: User) -> list[ScenarioChange]:
    names = _Names(said, user)
    return [
        ScenarioChange(
            field,
            value,
            *names.read(field, value),
            without=_without(said, (field, value)),
            problem=names.problem(field, value),
        )
        for field, value in said
    ]


def _without(said: Sequence[tuple[str, str]], one: tuple[str, str]) -> str:
    rest = [pair for pair in said if pair != one]
    return (
        f"{reverse('scenarios:preview')}?{urlencode(rest, safe=':*/')}"
        if rest
        else reverse("scenarios:preview")
    )


def query_pairs(ops: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """The address of saved operations; those it cannot say (an application that is added, an
    amount) are left out."""
    pairs: list[tuple[str, str]] = []
    for op in ops:
        match op.get("op"):
            case "remove":
                pairs += [("remove", name) for name in op["nodes"]]
            case "replace":
                pairs.append(("replace", f"{op['old']}:{op['new']}"))
            case "move":
                pairs.append(("move", f"{op['dependency']}:{op['offering']}"))
            case "reprice" if "factor" in op:
                pairs.append(("reprice", f"{op['node']}*{op['factor']}"))
            case "retire":
                pairs.append(("retire", op["application"]))
    return pairs


def has_query_form(ops: Sequence[Mapping[str, Any]]) -> bool:
    return len(query_pairs(ops)) >= len(ops)


def describe_operations(ops: Sequence[Mapping[str, Any]], user: User) -> list[str]:
    """Each operation of a saved scenario in a sentence, as far as `user` may see what it names."""
    said = [change.words for change in describe_changes(query_pairs(ops), user)]
    for op in ops:
        if op.get("op") == "add":
            facts = op.get("application") or {}
            said.append(f"{facts.get('name', 'An application')} is added")
        elif op.get("op") == "reprice" and "factor" not in op:
            said.append(
                f"{op.get('node', '')} costs {op.get('amount', '')} {op.get('currency', '')}"
                f" per million {op.get('unit', '')}"
            )
    return said


class _Names:
    """Lookup of everything that the changes name, one kind at a time."""

    def __init__(self, said: Sequence[tuple[str, str]], user: User) -> None:
        nodes = [value for field, value in said if field == "remove"]
        nodes += [value.rpartition("*")[0] for field, value in said if field == "reprice"]
        self.nodes = _nodes(nodes)
        offerings = {pk for field, value in said if field == "replace" for pk in _ids(value) if pk}
        offerings |= {_ids(value)[1] for field, value in said if field == "move" if _ids(value)[1]}
        self.offerings = (
            Offering.objects.select_related("host").in_bulk(offerings) if offerings else {}
        )
        moved = {_ids(value)[0] for field, value in said if field == "move" if _ids(value)[0]}
        self.dependencies = (
            Dependency.objects.visible_to(user)
            .select_related("application", "offering__host")
            .in_bulk(moved)
            if moved
            else {}
        )
        slugs = [value for field, value in said if field == "retire"]
        self.applications = (
            dict(
                Application.objects.visible_to(user)
                .filter(slug__in=slugs)
                .values_list("slug", "name")
            )
            if slugs
            else {}
        )

    def read(self, field: str, value: str) -> tuple[dict[str, Any], str]:
        """(operation, words)."""
        match field:
            case "remove":
                return {"op": "remove", "nodes": [value]}, f"{self._node(value)} fails"
            case "replace":
                old, new = _ids(value)
                return {
                    "op": "replace",
                    "old": old,
                    "new": new,
                }, f"{self._offering(new)} takes the place of {self._offering(old)}"
            case "move":
                dependency, offering = _ids(value)
                return {
                    "op": "move",
                    "dependency": dependency,
                    "offering": offering,
                }, f"{self._dependency(dependency)} moves to {self._offering(offering)}"
            case "reprice":
                node, _star, factor = value.rpartition("*")
                said = f"{self._node(node)} costs {factor} times as much"
                return {"op": "reprice", "node": node, "factor": factor}, said
            case _:
                return {"op": "retire", "application": value}, "{name} is retired".format(
                    name=self.applications.get(value, "an application that you may not see")
                )

    def problem(self, field: str, value: str) -> str:
        match field:
            case "remove" | "reprice":
                name = value if field == "remove" else value.rpartition("*")[0]
                if name not in self.nodes:
                    return f"Nothing is known under “{name}”."
                if field == "reprice" and not _is_factor(value.rpartition("*")[2]):
                    return "Write by how much the price is multiplied, such as 1.5."
            case "replace":
                if not all(pk in self.offerings for pk in _ids(value)):
                    return "One of the two offerings is not known."
            case "move":
                dependency, offering = _ids(value)
                if dependency not in self.dependencies:
                    return "Dependency not found. It does not exist or you do not have access."
                if offering not in self.offerings:
                    return "The offering to move to is not known."
            case "retire":
                if value not in self.applications:
                    return f"There is no application “{value}” that you may see."
        return ""

    def _node(self, name: str) -> str:
        found = self.nodes.get(name)
        return found.label if found else name

    def _offering(self, pk: int) -> str:
        found = self.offerings.get(pk)
        return f"{found.api_id} at {found.host.name}" if found else f"offering {pk}"

    def _dependency(self, pk: int) -> str:
        found = self.dependencies.get(pk)
        return found.application.name if found else f"dependency {pk}"


def _nodes(names: Sequence[str]) -> dict[str, NodeName]:
    """Those of the names that are known; one that is not does not hide the others."""
    try:
        known = find_nodes(names) if names else {}
    except UnknownNodeError:
        known = {}
        for name in names:
            try:
                known |= find_nodes([name])
            except UnknownNodeError:
                continue
    found = node_names(list(known.values())) if known else {}
    return {name: found[pk] for name, pk in known.items() if pk in found}


def _ids(value: str) -> tuple[int, int]:
    """(12, 34) of `12:34`; 0 where it is no number."""
    first, _colon, second = value.partition(":")
    return tuple(  # type: ignore[return-value]
        int(part) if part.isdecimal() and len(part) < 19 else 0 for part in (first, second)
    )


def _is_factor(said: str) -> bool:
    try:
        return 0 <= float(said) <= 1_000 and "e" not in said.lower() and "n" not in said.lower()
    except ValueError:
        return False


def hidden(query: QueryDict) -> list[tuple[str, str]]:
    """The changes so far, as hidden fields of a form that adds one."""
    return [(field, value) for field in FIELDS for value in query.getlist(field) if value]
