"""Every route of ours is called `namespace:name`, and every name in use is that of a route."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.template.loader import get_template
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse

from apps.web.urls import MOVED

CHECKOUT = Path(__file__).resolve().parents[2]
TEMPLATES = CHECKOUT / "templates"
# their routes, and those of ours that stand before one of theirs and take its name
OF_LIBRARIES = ("admin/", "accounts/")
# what nobody links to
WITHOUT_NAME = {
    "favicon.ico",
    "api/v1/^(?:.*/|bom/token/[^/]+)?$",
    # what SCIM does not offer
    r"scim/v2/^(?:Bulk|Me|\.search)$",
    "scim/v2/^.*$",
    *MOVED,
}
SAMPLES = {
    "int": 7,
    "slug": "some-words",
    "str": "some-words",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
# arguments of routes written as expressions
ARGUMENTS = {"pk": "7", "risk": "7", "dependency": "7", "slug": "some-words"}
ACTIONS = {"inherited-risks:decide": "assess", "foundation-risks:action": "close"}
KEYED_BY_TWO = {"api:inherited-risk-detail": "7-7"}
NAMING_CALLS = {"reverse", "reverse_lazy", "redirect", "resolve_url"}

# the pattern with the prefixes of its includes, the name with its namespace, the route
type Named = tuple[str, str, URLPattern]


def routes(patterns: Any = None, prefix: str = "", namespace: str = "") -> Iterator[Named]:
    """Yield every route; the name is empty where it has none."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from routes(pattern.url_patterns, prefix + str(pattern.pattern), inner)
        else:
            name = f"{namespace}{pattern.name}" if pattern.name else ""
            yield prefix + str(pattern.pattern), name, pattern


def own_routes() -> list[Named]:
    return [
        (pattern, name, route)
        for pattern, name, route in routes()
        # single sign-on stands among the pages of the library
        if not pattern.startswith(OF_LIBRARIES) or name.startswith("sso:")
    ]


def known_names() -> set[str]:
    return {name for _, name, _ in routes() if name}


def test_every_route_of_ours_has_a_namespace() -> None:
    bare = [(pattern, name) for pattern, name, _ in own_routes() if ":" not in name]

    assert {pattern for pattern, name in bare if not name} == WITHOUT_NAME
    assert [name for _, name in bare if name] == []


def test_no_name_is_given_twice() -> None:
    counts = Counter(name for _, name, _ in own_routes() if name)

    assert [name for name, n in counts.items() if n > 1] == []


def test_names_are_words_joined_by_hyphens() -> None:
    odd = [
        name
        for _, name, _ in own_routes()
        if name and not re.fullmatch(r"[a-z]+(-[a-z]+)*:[a-z0-9]+(-[a-z0-9]+)*", name)
    ]

    assert odd == []


def test_every_name_leads_to_its_own_route() -> None:
    """An earlier route whose path takes any word would shadow a later one."""
    wrong = {}
    for _, name, route in own_routes():
        if name:
            path = reverse(name, kwargs=sample_arguments(name, route))
            if (found := resolve(path).view_name) != name:
                wrong[name] = (path, found)

    assert wrong == {}


def sample_arguments(name: str, route: URLPattern) -> dict[str, Any]:
    converters = route.pattern.converters
    if converters:
        kinds = re.findall(r"<(?:(\w+):)?(\w+)>", str(route.pattern))
        return {argument: SAMPLES[kind or "str"] for kind, argument in kinds}
    arguments = re.findall(r"\(\?P<(\w+)>", str(route.pattern))
    found = {argument: ARGUMENTS[argument] for argument in arguments if argument != "action"}
    if "action" in arguments:
        found["action"] = ACTIONS[name]
    if name in KEYED_BY_TWO:
        found["pk"] = KEYED_BY_TWO[name]
    return found


def templates() -> list[str]:
    files = (path for path in TEMPLATES.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(TEMPLATES)) for path in files)


def test_every_template_compiles_and_names_routes_that_exist() -> None:
    known, wrong = known_names(), []
    for template in templates():
        get_template(template)
        source = (TEMPLATES / template).read_text()
        wrong += [(template, name) for name in names_in(source) if name not in known]

    assert wrong == []


def names_in(source: str) -> list[str]:
    """Literal names of `{% url %}`, and those that a list hands to components/list-links.html."""
    tags = re.findall(r"""\{%\s*url\s+["']([^"']+)["']""", source)
    return tags + re.findall(r"""\b(?:csv|xlsx)=["']([^"']+)["']""", source)


@pytest.mark.parametrize("folder", ["apps", "registry", "tests"])
def test_code_names_routes_that_exist(folder: str) -> None:
    known = known_names()
    wrong = [
        (str(file.relative_to(CHECKOUT)), line, name)
        for file in sorted((CHECKOUT / folder).rglob("*.py"))
        for line, name in literal_names(file.read_text())
        if name not in known
    ]

    assert wrong == []


def literal_names(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, name) of each literal in a call that takes a name or a path: the names."""
    if not any(f"{name}(" in source for name in NAMING_CALLS):
        return
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and node.args and called(node) in NAMING_CALLS):
            continue
        first = node.args[0]
        for part in (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,):
            if isinstance(part, ast.Constant) and "/" not in str(part.value):
                yield part.lineno, str(part.value)


def called(call: ast.Call) -> str:
    """The bare name of what is called: a method called `redirect` belongs to somebody else."""
    return call.func.id if isinstance(call.func, ast.Name) else ""


class TestTheChecksSee:
    def test_a_name_without_namespace_in_code(self) -> None:
        source = 'redirect("answers" if x else "/path/")\nfeed.redirect("far")\nreverse(name)'

        assert list(literal_names(source)) == [(1, "answers")]
        assert "answers" not in known_names()

    def test_a_name_in_a_template(self) -> None:
        source = """{% url 'a:b' x %} {% include "c.html" with csv="d:csv" xlsx='d:xlsx' %}"""

        assert names_in(source) == ["a:b", "d:csv", "d:xlsx"]
