"""Headers of lifecycle tables: the usual words for each column, and which column a header names.

Patterns are compared with headers in small letters, without mark-up, in the order of preference.
"""

import re
from functools import lru_cache

from apps.feeds.pages.cells import one_line
from apps.feeds.pages.globs import matches

_BRACKETS = re.compile(r"\([^()]{0,80}\)")
_SIGNS = re.compile(r"[*\u2020\u2021:.?#]{1,20}")

# The usual headers of each column. The lists grew from the pages of eleven providers and from the
# words that such pages use for the same thing.
COMMON: dict[str, tuple[str, ...]] = {
    "price": ("*price*", "*pricing*", "*cost*", "*$*", "*tokens*"),
    "replacement": (
        "*replacement*id*",
        "recommended*id*",
        "suggested*id*",
        "*alternative*id*",
        "*replacement*",
        "*replace with*",
        "*replaced by*",
        "*substitute*",
        "*successor*",
        "*alternative*",
        "*migrat*to*",
        "*migration*",
        "*upgrade to*",
        "*upgrade path*",
        "*upgrade target*",
        "*auto-switch*",
        "*switch to*",
        "*redirect*",
        "*move to*",
        "recommended*",
        "suggested*",
        "*instead*",
        "new model*",
        "target model*",
        "next model*",
        "\u66ff\u4ee3*",
        "\u63a8\u8350*",
    ),
    "training_ends": (
        "*training*retire*",
        "*training*end*",
        "*training*shut*",
        "*fine-tuning*retire*",
        "*fine-tuning*end*",
        "training until*",
    ),
    "retires": (
        "*deployment*retire*date*",
        "*inference*retire*date*",
        "retirement date",
        "shutdown date",
        "*retirement*",
        "retires*",
        "retire",
        "retired",
        "retire on*",
        "retired on*",
        "retire date*",
        "retired date*",
        "retiring*",
        "*shutdown*",
        "*shut down*",
        "*shut-down*",
        "*sunset*",
        "eol",
        "eol *",
        "* eol*",
        "*end of life*",
        "*end-of-life*",
        "*end of service*",
        "*end of support*",
        "*end of sale*",
        "*end of availability*",
        "*discontinuation*",
        "*discontinued on*",
        "*discontinued date*",
        "discontinued",
        "discontinues*",
        "*decommission*",
        "*removal*",
        "removed",
        "removed on*",
        "removal*",
        "*offline*",
        "*terminat*",
        "*turn*off*",
        "*switch*off*",
        "*unavailable*",
        "*available until*",
        "*supported until*",
        "*support until*",
        "*supported through*",
        "*available through*",
        "end date*",
        "*expir*",
        "*deactivat*",
        "*last day*",
        "\u4e0b\u7ebf*",
        "\u505c\u7528*",
        "\u9000\u5f79*",
        "*deprecation date*",
        "deprecation*",
        "deprecated on*",
        "*effective date*",
    ),
    "extended_access": ("*extended access*", "*extended support*"),
    "legacy": (
        "legacy date*",
        "*legacy*date*",
        "legacy since*",
        "legacy from*",
        "legacy on*",
        "legacy",
    ),
    "closed_to_new": (
        "*closed to new*",
        "*new customers*",
        "*new users*",
        "*new deployments*",
    ),
    "announced": (
        "*announce*",
        "*notification*",
        "*notified*",
        "notice*",
        "*notice date*",
        "deprecated",
        "deprecated on*",
        "deprecated since*",
        "*deprecation*",
        "*deprecated date*",
        "deprecates*",
    ),
    "released": (
        "*release*",
        "*launch*",
        "*ga date*",
        "*available since*",
        "*availability date*",
        "*introduced*",
        "*published*",
        "*discovery*",
        "start date*",
        "created*",
    ),
    "stage": (
        "*current state*",
        "*lifecycle*",
        "*life cycle*",
        "stage*",
        "* stage",
        "status*",
        "* status",
        "state",
        "* state",
        "phase",
        "\u72b6\u6001*",
    ),
    "regions": ("*region*", "*location*", "*regional*"),
    "lab": (
        "*model provider*",
        "provider",
        "lab",
        "*publisher*",
        "*vendor*",
        "*developer*",
        "company",
        "organi?ation",
        "organization",
        "organisation",
        "owner",
        "* provider",
    ),
    "parameter": ("parameter*", "*request parameter*", "* parameter"),
    "id": (
        "*deprecated model id*",
        "*model id*",
        "*model identifier*",
        "*model code*",
        "*model string*",
        "*api model*",
        "*api name*",
        "*api id*",
        "*api endpoint*",
        "*model api*",
        "model key",
        "slug",
        "model slug",
        "id",
        "identifier",
        "*deprecated model*",
        "*legacy model*",
        "*retired model*",
        "*retiring model*",
        "*discontinued model*",
        "*affected model*",
        "*impacted model*",
        "*old model*",
        "*current model*",
        "*existing model*",
        "*snapshot*",
        "*model / *",
        "*model/*",
        "*model or *",
        "*model name*",
        "model",
        "models",
        "*base model*",
        "*foundation model*",
        "*model",
        "*models",
        "*model alias*",
        "alias*",
        "system",
        "systems",
        "endpoint*",
        "*endpoint",
        "api",
        "apis",
        "feature*",
        "product*",
        "service",
        "agent*",
        "name",
        "resource",
        "\u6a21\u578b*",
        "*model version*",
        "*model*",
    ),
    "version": ("version", "versions", "*model version*", "version*", "* version", "*versions*"),
    "name": ("*model name*", "*display name*", "name", "*name*", "model"),
    "date": ("date", "day", "when", "*date"),
    "update": ("update*", "event*", "milestone*", "change*", "what*", "action*", "description*"),
}
# The order in which columns choose their headers; a header that a column before could have chosen
# is not available to the ID.
_ORDER = (
    "ignored",
    "price",
    "replacement",
    "training_ends",
    "retires",
    "extended_access",
    "legacy",
    "closed_to_new",
    "announced",
    "released",
    "stage",
    "regions",
    "lab",
    "parameter",
    "id",
    "version",
    "name",
    "date",
    "update",
)
_NEVER_ID = ("ignored", "price", "replacement")


def normalise_header(header: str) -> str:
    """Return the header in small letters, without mark-up, brackets and footnote signs."""
    text = one_line(header)[:200].casefold()
    plain = _SIGNS.sub(" ", _BRACKETS.sub(" ", text))
    return " ".join(plain.split()) or " ".join(_SIGNS.sub(" ", text).split())


def resolve_columns(header: list[str], columns: dict[str, tuple[str, ...]]) -> dict[str, int]:
    """Return {column name: position} for a header row. `columns` replaces the usual headers for
    the names that it has."""
    names = [normalise_header(text) for text in header]
    positions: dict[str, int] = {}
    taken: set[int] = set()
    never_id: set[int] = set()
    for column in _ORDER:
        patterns = columns.get(column, COMMON.get(column, ()))
        if column in _NEVER_ID:
            never_id |= {
                place
                for place, name in enumerate(names)
                if any(matches(pattern, name) for pattern in patterns)
            }
        if column == "ignored":
            taken |= never_id
            continue
        unavailable = taken | never_id if column in ("id", "parameter") else taken
        place = _first_match(names, patterns, unavailable)
        if place is not None:
            positions[column] = place
            taken.add(place)
    return positions


def _first_match(names: list[str], patterns: tuple[str, ...], taken: set[int]) -> int | None:
    for pattern in patterns:
        for place, name in enumerate(names):
            if place not in taken and name and matches(normalise_pattern(pattern), name):
                return place
    return None


@lru_cache(maxsize=4096)
def normalise_pattern(pattern: str) -> str:
    """Return a header of a mapping in the form in which headers are compared; stars stay."""
    return "*".join(
        _keep_blanks(part, " ".join(_SIGNS.sub(" ", _BRACKETS.sub(" ", part.casefold())).split()))
        for part in one_line_with_blanks(pattern).split("*")
    )


def one_line_with_blanks(text: str) -> str:
    return text.replace("`", "").replace("\n", " ")


def _keep_blanks(part: str, plain: str) -> str:
    """Return `plain` with the blank at either end that `part` has: `* model` is not `*model`."""
    if not plain:
        return plain
    return (" " if part[:1] == " " else "") + plain + (" " if part[-1:] == " " else "")
