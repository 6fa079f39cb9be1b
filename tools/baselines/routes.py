"""Routes and permissions: every address with its name, view and methods, and who gets what there.

Addresses are the keys, so that another name or view shows as that and not as a loss. The letters of
`access` are those of tests/access/doors.py.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from tests.access import doors
from tools.baselines.differences import Fact, Facts
from tools.baselines.openapi import Renames

FILE = Path(__file__).with_name("routes.json")
type Routes = dict[str, dict[str, Any]]
_ARGUMENT = re.compile(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)|<(?:\w+:)?(\w+)>")


def present_routes() -> Routes:
    """Walk the resolver; {address: name, view, methods, access by method}."""
    tables = {name: _rows(getattr(doors, name)) for name in ("PAGES", "API", "ENTRANCE")}
    routes: Routes = {}
    for pattern, names, route in _walk_routes():
        address = _address(pattern)
        # a list and its file, say, may share an address
        while address in routes:
            address += "#"
        methods = _methods(route.callback)
        keys = _keys(pattern, names, route)
        rows = {
            method: letters
            for method in methods
            for table, key in keys
            # the sign-in's own addresses are walked by GET, whatever they answer
            for walked in ("get" if table == "ENTRANCE" else method.lower(),)
            if (letters := tables[table].get((key, walked)))
        }
        # tokens of one scope alone, whatever the session
        if pattern.startswith("scim/"):
            rows = dict.fromkeys(methods, "scim")
        routes[address] = {
            "name": names,
            "view": _view_of(route.callback),
            "methods": methods,
            "access": rows,
        }
    return routes


def written(routes: Routes) -> str:
    """Give the text of the file: a line an address."""
    facts = {address: json.dumps(routes[address], sort_keys=True) for address in sorted(routes)}
    lines = (f" {json.dumps(address)}: {route}" for address, route in facts.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def renamed(routes: Routes, renames: Renames) -> Routes:
    """Give the routes with renamed addresses."""
    return {renames.path(address): route for address, route in routes.items()}


def facts_of(routes: Routes) -> Facts:
    """Give one fact an address, and one each for its name, its view and each row of access."""
    return dict(_facts(routes))


def _facts(routes: Routes) -> Iterator[tuple[tuple[str, str], Fact]]:
    for address, route in routes.items():
        likeness = f"{route['view']} {route['access']}"
        yield ("address", address), Fact(" ".join(route["methods"]), likeness)
        yield ("name", address), Fact(route["name"])
        yield ("view", address), Fact(route["view"])
        for method, letters in route["access"].items():
            yield ("access", f"{method} {address}"), Fact(letters)


def _walk_routes(
    patterns: Any = None, prefix: str = "", namespaces: tuple[str, ...] = ()
) -> Iterator[tuple[str, str, URLPattern]]:
    """(pattern, name with its namespaces, route)"""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        full_pattern = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from _walk_routes(pattern.url_patterns, full_pattern, inner)
        else:
            name = ":".join([*namespaces, str(pattern.name)]) if pattern.name else ""
            yield full_pattern, name, pattern


def _address(pattern: str) -> str:
    """Give the pattern as an address, arguments as {name}."""
    bare = _ARGUMENT.sub(r"{\1\2}", pattern)
    for mark in ("^", "$", "\\Z", "\\.?"):
        bare = bare.replace(mark, "")
    return f"/{bare}".replace("\\.", ".")


def _keys(pattern: str, name: str, route: URLPattern) -> list[tuple[str, str]]:
    """(table, key) under which the tables of access may know the route."""
    if pattern.startswith("api/v1/"):
        return [("API", _address(pattern).removeprefix("/api/v1/"))]
    if pattern.startswith("accounts/"):
        return [("ENTRANCE", pattern.removeprefix("accounts/"))]
    keys = dict.fromkeys([name, str(route.name or ""), pattern])
    return [("PAGES", key) for key in keys if key]


def _rows(table: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """{(key, method): letters}"""
    rows = {}
    for letters, entries in table.items():
        for entry in entries.split():
            key, _, method = entry.rpartition(":")
            rows[key, method] = letters
    return rows


def _methods(view: Callable[..., Any]) -> list[str]:
    """Give what a view answers; GET where it does not say."""
    actions, view_class = getattr(view, "actions", None), getattr(view, "cls", None)
    if actions:
        return sorted(method.upper() for method in actions if method not in {"head", "options"})
    if view_class is not None:
        names = [name for name in view_class.http_method_names if hasattr(view_class, name)]
        return sorted(name.upper() for name in names if name not in {"head", "options"})
    while True:
        allowed_methods = inspect.getclosurevars(view).nonlocals.get("request_method_list")
        if allowed_methods is not None:
            return sorted(method for method in allowed_methods if method not in {"HEAD", "OPTIONS"})
        if not hasattr(view, "__wrapped__"):
            return ["GET"]
        view = view.__wrapped__


def _view_of(view: Callable[..., Any]) -> str:
    view_class = getattr(view, "cls", None) or getattr(view, "view_class", None) or view
    name = getattr(view_class, "__qualname__", type(view_class).__qualname__)
    return f"{view_class.__module__}.{name}"
