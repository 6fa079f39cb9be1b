"""Document page, for one that a service account or a user sent: what was imported, what was not and
why, and its application."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts.models import User
from apps.common.text import pluralize
from apps.intake.documents.formats import FORMATS
from apps.intake.documents.ingest import set_document_application
from apps.intake.import_jobs import IntakePermissionError, InvalidStateError
from apps.intake.models import Import
from apps.inventory.models import Application
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.page import Headline, render_page
from apps.web.views.imports.permissions import import_or_404
from apps.web.wording import number

# what one list of problems shows; the rest is counted
MAX_ROWS = 100

_PROBLEMS: Mapping[str, tuple[Any, Any]] = {
    "rejected": ("Not taken", "Broken, or about what the sender may not write."),
    "unresolved": ("Names nobody knows", "They wait for somebody to say what they mean."),
    "schema": ("Breaks its schema", "Taken all the same, as far as it could be read."),
    "ignored": ("Left out", "No model in use, as far as can be told."),
}


_COUNTED: Mapping[str, str] = {
    "sightings": "Uses named",
    "deployments": "Deployments explained",
    "created": "New dependencies",
    "updated": "Seen again",
    "unchanged": "Seen already that day",
    "unresolved": "Names nobody knows",
    "unclaimed": "Without an application",
    "missing": "No longer named",
    "ignored": "Left out",
    "rejected": "Not taken",
}


@dataclass(frozen=True, slots=True)
class DocumentProblems:
    kind: str
    name: str
    why: Any
    rows: list[dict[str, str]]
    n_more: int


def show_document(
    request: HttpRequest, import_: Import, user: User, **context: Any
) -> HttpResponse:
    form = FORMATS.get(import_.format)
    return render_page(
        request,
        "imports/document.html",
        title=str(import_),
        crumbs=(("Import", reverse("imports:list")),),
        counts="What this one document named",
        as_of=import_.read_at or import_.received_at,
        sentence=document_headline(import_),
        import_=import_,
        format=form.label if form else import_.format,
        facts=_facts(import_),
        figures=[
            (name, import_.counts[word])
            for word, name in _COUNTED.items()
            if _counted(import_, word)
        ],
        problems=_problems(import_),
        needs_application=import_.state == Import.State.RECEIVED
        or (import_.state == Import.State.FAILED and import_.application_id is None),
        may_undo=import_.state == Import.State.APPLIED and import_.change is not None,
        **context,
    )


def document_headline(import_: Import) -> Headline:
    """State the outcome of a document; the marked part needs action."""
    counts, state = import_.counts, import_.state
    if state == Import.State.FAILED:
        return Headline("", "It could not be read", f": {import_.error}")
    if state == Import.State.RECEIVED:
        form = FORMATS.get(import_.format)
        if form is not None and form.holds_for_all:
            why = (
                " What names stand for in all of them is governance's to say; nothing is taken yet."
            )
        else:
            why = " The document does not say; nothing is taken yet."
        return Headline("", "Which application is it about?", why)
    if state == Import.State.READING:
        return Headline("It is being read.")
    if state == Import.State.UNDOING:
        return Headline("What it brought is being put back.")
    if state == Import.State.UNDONE:
        return Headline("It was undone: what it brought is gone, and what it saw is set aside.")
    if counts.get("names_ai") is False:
        return Headline(
            "",
            "It names no model and no AI service",
            ", so that it confirms nothing and ends nothing. Send a document of a scanner that "
            "looks for models.",
        )
    n = int(counts.get("sightings", 0))
    said = pluralize(
        n, f"It names {number(n)} use of a model", f"It names {number(n)} uses of models"
    )
    n_deployed = int(counts.get("deployments", 0))
    if n_deployed:
        said = pluralize(
            n_deployed,
            f"It says what {number(n_deployed)} deployment stands for",
            f"It says what {number(n_deployed)} deployments stand for",
        )
    parts = []
    if counts.get("created"):
        parts.append(f"{number(counts['created'])} new")
    known = int(counts.get("updated", 0)) + int(counts.get("unchanged", 0))
    if known:
        parts.append(f"{number(known)} known already")
    said += f": {', '.join(parts)}" if parts else ""
    open_ = int(counts.get("unresolved", 0)) + int(counts.get("rejected", 0))
    if not open_:
        return Headline(f"{said}.")
    mark = pluralize(
        open_, f"{number(open_)} could not be placed", f"{number(open_)} could not be placed"
    )
    return Headline(f"{said}; ", mark, ".")


def _facts(import_: Import) -> list[tuple[Any, Any]]:
    tool = f"{import_.tool} {import_.tool_version}".strip()
    made = f"{import_.document_at:%-d %b %Y, %H:%M} UTC" if import_.document_at else ""
    valid = {True: "keeps its schema", False: "breaks its schema", None: ""}[import_.schema_valid]
    rows = [
        ("Made by", tool),
        ("Made", made),
        ("Calls itself", import_.natural_key),
        ("Environment", import_.environment),
        ("Sent by", import_.by),
        ("With the key", import_.token),
        ("Schema", valid),
        ("Digest", import_.digest[:16]),
    ]
    return [(name, value) for name, value in rows if value]


def _counted(import_: Import, word: str) -> bool:
    return isinstance(import_.counts.get(word), int) and import_.counts[word] > 0


def _problems(import_: Import) -> list[DocumentProblems]:
    found = []
    for kind, (name, why) in _PROBLEMS.items():
        rows = import_.problems.get(kind) or []
        if rows:
            found.append(
                DocumentProblems(kind, name, why, rows[:MAX_ROWS], max(0, len(rows) - MAX_ROWS))
            )
    return found


@require_POST
def choose_application(request: HttpRequest, pk: int) -> HttpResponse:
    """Set the application that the document is about; it is read for that application."""
    import_, user = import_or_404(request, pk)
    said = request.POST.get("application", "").strip()
    application = (
        Application.objects.visible_to(user).filter(Q(slug=said) | Q(name__iexact=said)).first()
    )
    if application is None:
        flash_error(request, f'No application "{said[:120]}" found. Enter its name or slug.')
        return redirect("imports:detail", pk=pk)
    try:
        done = set_document_application(import_=import_, application=application, by=user)
    except IntakePermissionError as not_yours:
        raise PermissionDenied(str(not_yours)) from None
    except InvalidStateError as not_now:
        flash_error(request, str(not_now))
    else:
        if done.state == Import.State.APPLIED:
            flash_success(request, f"Assigned to {application.name}.")
    return redirect("imports:detail", pk=pk)
