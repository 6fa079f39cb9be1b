"""URLs of scenarios: `/what-if/?remove=developer:anthropic&replace=12:34`, for links from every
page."""

from collections.abc import Iterable
from urllib.parse import urlencode

from django.urls import reverse


def scenario_url(
    *,
    remove: Iterable[str] = (),
    replace: Iterable[tuple[int, int]] = (),
    move: Iterable[tuple[int, int]] = (),
    reprice: Iterable[tuple[str, str]] = (),
    retire: Iterable[str] = (),
) -> str:
    """Return the URL of a scenario.

    `remove` names nodes (`host:azure`, `offering:12`); `replace` is (old, new) offering, `move`
    (dependency, offering), `reprice` (node, factor such as 1.5), `retire` slugs of applications."""
    parameters = [
        *(("remove", name) for name in remove),
        *(("replace", f"{old}:{new}") for old, new in replace),
        *(("move", f"{dependency}:{offering}") for dependency, offering in move),
        *(("reprice", f"{node}*{factor}") for node, factor in reprice),
        *(("retire", slug) for slug in retire),
    ]
    return f"{reverse('scenarios:preview')}?{urlencode(parameters, safe=':*/')}"
