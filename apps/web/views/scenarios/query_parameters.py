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
    """Change of a scenario: its query parameter, its description, and the URL without it; `op` is
    its form in a stored scenario."""

    field: str
    value: str
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
        return [(change.field, change.value) for change in self.changes]

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
        descriptions = [change.words for change in self.changes if not change.problem]
        return (
            " and ".join(descriptions[:3])
            + (f" +{len(descriptions) - 3}" if len(descriptions) > 3 else "")
        )[:200] or "What if"

    def address(self, **extra: Any) -> str:
        parameters = [*self.pairs, *((name, str(value)) for name, value in extra.items() if value)]
        return (
            f"{reverse('scenarios:preview')}?{urlencode(parameters, safe=':*/')}"
            if parameters
            else reverse("scenarios:preview")
        )


def parse_query(request: HttpRequest, user: User) -> ScenarioQuery:
    """Parse at most MAX_CHANGES changes. Names are looked up together: up to four statements."""
    query = request.GET
    parameters = list(
        dict.fromkeys((field, value) for field in FIELDS for value in query.getlist(field) if value)
    )[:MAX_CHANGES]
    return ScenarioQuery(describe_changes(parameters, user), query.get("basis", ""))


def describe_changes(parameters: Sequence[tuple[str, str]], user: User) -> list[ScenarioChange]:
    names = _NameLookup(parameters, user)
    return [
        ScenarioChange(
            field,
            value,
            *names.build_operation(field, value),
            without=_build_url_without(parameters, (field, value)),
            problem=names.problem(field, value),
        )
        for field, value in parameters
    ]


def _build_url_without(parameters: Sequence[tuple[str, str]], parameter: tuple[str, str]) -> str:
    remaining_parameters = [item for item in parameters if item != parameter]
    return (
        f"{reverse('scenarios:preview')}?{urlencode(remaining_parameters, safe=':*/')}"
        if remaining_parameters
        else reverse("scenarios:preview")
    )


def query_pairs(ops: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return saved operations as query parameters; added applications, prices in a currency and
    replaced nodes, which have no such form, are left out."""
    parameters: list[tuple[str, str]] = []
    for op in ops:
        match op.get("op"):
            case "remove":
                parameters += [("remove", name) for name in op["nodes"]]
            case "replace" if "old" in op:
                parameters.append(("replace", f"{op['old']}:{op['new']}"))
            case "move":
                parameters.append(("move", f"{op['dependency']}:{op['offering']}"))
            case "reprice" if "factor" in op:
                parameters.append(("reprice", f"{op['node']}*{op['factor']}"))
            case "retire":
                parameters.append(("retire", op["application"]))
    return parameters


def has_query_form(ops: Sequence[Mapping[str, Any]]) -> bool:
    return len(query_pairs(ops)) >= len(ops)


def describe_operations(ops: Sequence[Mapping[str, Any]], user: User) -> list[str]:
    """Describe each operation of a saved scenario; applications hidden from `user` stay unnamed."""
    sentences = [change.words for change in describe_changes(query_pairs(ops), user)]
    for op in ops:
        if op.get("op") == "replace" and "node" in op:
            sentences.append(_describe_node_replacement(op))
        elif op.get("op") == "add":
            facts = op.get("application") or {}
            sentences.append(f"{facts.get('name', 'An application')} is added")
        elif op.get("op") == "reprice" and "factor" not in op:
            sentences.append(
                f"{op.get('node', '')} costs {op.get('amount', '')} {op.get('currency', '')}"
                f" per million {op.get('unit', '')}"
            )
    return sentences


def _describe_node_replacement(op: Mapping[str, Any]) -> str:
    """Describe the replacement of a node; two statements."""
    names = _find_known_nodes([op["node"], op["by"]])
    node, by = (names[key].label if key in names else key for key in (op["node"], op["by"]))
    return f"{by} replaces {node}"


class _NameLookup:
    """Lookup of the nodes, offerings, dependencies and applications that the changes name, one
    kind at a time."""

    def __init__(self, parameters: Sequence[tuple[str, str]], user: User) -> None:
        """Load all nodes, offerings and applications that the parameters name, in a fixed number of
        statements."""
        node_texts = [value for field, value in parameters if field == "remove"]
        node_texts += [
            value.rpartition("*")[0] for field, value in parameters if field == "reprice"
        ]
        self.nodes = _find_known_nodes(node_texts)
        offering_ids = {
            pk
            for field, value in parameters
            if field == "replace"
            for pk in _parse_ids(value)
            if pk
        }
        offering_ids |= {
            _parse_ids(value)[1]
            for field, value in parameters
            if field == "move"
            if _parse_ids(value)[1]
        }
        self.offerings = (
            Offering.objects.select_related("host").in_bulk(offering_ids) if offering_ids else {}
        )
        dependency_ids = {
            _parse_ids(value)[0]
            for field, value in parameters
            if field == "move"
            if _parse_ids(value)[0]
        }
        self.dependencies = (
            Dependency.objects.visible_to(user)
            .select_related("application", "offering__host")
            .in_bulk(dependency_ids)
            if dependency_ids
            else {}
        )
        slugs = [value for field, value in parameters if field == "retire"]
        self.applications = (
            dict(
                Application.objects.visible_to(user)
                .filter(slug__in=slugs)
                .values_list("slug", "name")
            )
            if slugs
            else {}
        )

    def build_operation(self, field: str, value: str) -> tuple[dict[str, Any], str]:
        """Return (stored operation, description) of the change."""
        match field:
            case "remove":
                return {"op": "remove", "nodes": [value]}, f"{self._node_name(value)} fails"
            case "replace":
                old_id, new_id = _parse_ids(value)
                return {
                    "op": "replace",
                    "old": old_id,
                    "new": new_id,
                }, f"{self._offering_name(new_id)} replaces {self._offering_name(old_id)}"
            case "move":
                dependency, offering = _parse_ids(value)
                return (
                    {
                        "op": "move",
                        "dependency": dependency,
                        "offering": offering,
                    },
                    f"{self._dependency_name(dependency)} migrates to "
                    f"{self._offering_name(offering)}",
                )
            case "reprice":
                node, _star, factor = value.rpartition("*")
                sentence = f"{self._node_name(node)} costs {factor} times as much"
                return {"op": "reprice", "node": node, "factor": factor}, sentence
            case _:
                return {"op": "retire", "application": value}, "{name} is retired".format(
                    name=self.applications.get(value, "an application that you cannot view")
                )

    def problem(self, field: str, value: str) -> str:
        """Return why the parameter cannot be used as a sentence; empty if it can."""
        match field:
            case "remove" | "reprice":
                name = value if field == "remove" else value.rpartition("*")[0]
                if name not in self.nodes:
                    return f"No record “{name}” found. Search for it and select it."
                if field == "reprice" and not _is_factor(value.rpartition("*")[2]):
                    return "Enter a price factor, for example 1.5."
            case "replace":
                if not all(pk in self.offerings for pk in _parse_ids(value)):
                    return "One of the two offerings was not found."
            case "move":
                dependency, offering = _parse_ids(value)
                if dependency not in self.dependencies:
                    return "Dependency not found. It does not exist or you do not have access."
                if offering not in self.offerings:
                    return "The target offering was not found."
            case "retire":
                if value not in self.applications:
                    return (
                        f"No application “{value}” found. It does not exist or you do not "
                        "have access."
                    )
        return ""

    def _node_name(self, name: str) -> str:
        node = self.nodes.get(name)
        return node.label if node else name

    def _offering_name(self, pk: int) -> str:
        offering = self.offerings.get(pk)
        return f"{offering.api_id} on {offering.host.name}" if offering else f"offering {pk}"

    def _dependency_name(self, pk: int) -> str:
        dependency = self.dependencies.get(pk)
        return dependency.application.name if dependency else f"dependency {pk}"


def _find_known_nodes(texts: Sequence[str]) -> dict[str, NodeName]:
    """Return the known nodes by their text in the URL; unknown ones are left out."""
    try:
        ids_by_text = find_nodes(texts) if texts else {}
    except UnknownNodeError:
        ids_by_text = {}
        for text in texts:
            try:
                ids_by_text |= find_nodes([text])
            except UnknownNodeError:
                continue
    names_by_id = node_names(list(ids_by_text.values())) if ids_by_text else {}
    return {text: names_by_id[pk] for text, pk in ids_by_text.items() if pk in names_by_id}


def _parse_ids(value: str) -> tuple[int, int]:
    """Return (12, 34) for `12:34`; 0 for a part that is not a number."""
    first, _colon, second = value.partition(":")
    return tuple(  # type: ignore[return-value]
        int(text) if text.isdecimal() and len(text) < 19 else 0 for text in (first, second)
    )


def _is_factor(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1_000 and "e" not in text.lower() and "n" not in text.lower()
    except ValueError:
        return False


def hidden_fields(query: QueryDict) -> list[tuple[str, str]]:
    """Return the changes so far, as hidden fields of a form that adds another."""
    return [(field, value) for field in FIELDS for value in query.getlist(field) if value]
