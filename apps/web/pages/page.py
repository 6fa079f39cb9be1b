"""Page context that every page shares: its headline, its page details, and the fragment that htmx
requests."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from apps.accounts.models import Team, User
from apps.common.time import day_of, now

# the fragment that is the rows of a list: its page counts them in its sentence, and keeps its
# filters
LIST_FRAGMENT = "listing"


@dataclass(frozen=True, slots=True)
class Headline:
    """Headline of the page, its finding; `mark` is the part that is underlined in red and may be
    empty."""

    before: str = ""
    mark: str = ""
    after: str = ""

    def __str__(self) -> str:
        return f"{self.before}{self.mark}{self.after}"


def add_sentence(headline: Headline, sentence: str) -> Headline:
    """Return the headline with a further sentence; without one as it is."""
    if not sentence:
        return headline
    if headline.after or headline.mark:
        return replace(headline, after=f"{headline.after} {sentence}")
    return replace(headline, before=f"{headline.before} {sentence}")


@dataclass(frozen=True, slots=True)
class PageMeta:
    """Page details: what the page is, as of when, for whose applications, and what its numbers
    count."""

    title: str
    as_of: datetime
    crumbs: tuple[tuple[str, str], ...] = ()
    counts: str = ""
    scope: str = ""
    today: date = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "today", day_of(self.as_of))


def describe_scope(user: User) -> str:
    """Describe whose applications the numbers of a page are about."""
    if user.can_read_all:
        return "All applications"
    names = list(Team.objects.visible_to(user).values_list("name", flat=True)[:4])
    if not names:
        return "No teams"
    return (
        "Applications of "
        + ", ".join(names[:3])
        + (" and your other teams" if len(names) > 3 else "")
    )


def render_page(
    request: HttpRequest,
    template: str,
    *,
    title: str,
    fragment: str = "",
    fragment_template: str = "",
    crumbs: tuple[tuple[str, str], ...] = (),
    counts: str = "",
    as_of: datetime | None = None,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    """Render the whole page, or only `fragment` of it for an htmx request: a partial of the
    template, or `fragment_template` if that is a file of its own."""
    as_of = as_of or now()
    if fragment and getattr(request, "htmx", False):
        response = render(
            request,
            fragment_template or f"{template}#{fragment}",
            {**context, "sheet": PageMeta(title, as_of, crumbs, counts)},
            status=status,
        )
        # what describes the fragment from outside of it is swapped out of band
        swapped_fragments: list[tuple[str, dict[str, Any]]] = []
        if flash_messages := get_messages(request):
            swapped_fragments.append(("components/said.html", {"messages": flash_messages}))
        if fragment == LIST_FRAGMENT and context.get("sentence"):
            swapped_fragments.append(
                ("components/sentence.html", {"sentence": context["sentence"]})
            )
        if fragment == LIST_FRAGMENT and "filters" in context:
            swapped_fragments.append(("components/saved-filters.html", {}))
        for fragment_template, fragment_context in swapped_fragments:
            response.content += render_to_string(
                fragment_template, {**fragment_context, "swap": True}, request=request
            ).encode()
    else:
        user = request.user
        scope = describe_scope(user) if isinstance(user, User) and user.is_authenticated else ""
        sheet = PageMeta(title, as_of, crumbs, counts, scope)
        response = render(request, template, {**context, "sheet": sheet}, status=status)
    if fragment:
        response["Vary"] = "HX-Request, Cookie"
    return response
