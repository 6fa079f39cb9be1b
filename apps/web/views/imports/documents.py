"""Page of a document that a service account or a user sent: what was imported, what was not and
why, and its application."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts.models import User
from apps.common.errors import DomainError
from apps.common.text import pluralize
from apps.intake.documents.formats import ALL_FORMATS
from apps.intake.documents.ingest import set_document_application
from apps.intake.models import Import
from apps.inventory.models import Application
from apps.web.pages.action_view import action_view
from apps.web.pages.page import Headline, render_page
from apps.web.views.imports.permissions import import_or_404
from apps.web.wording import number

# rows of one list of problems; further ones are counted
MAX_ROWS = 100

_PROBLEMS: Mapping[str, tuple[Any, Any]] = {
    "rejected": ("Rejected entries", "Invalid, or the sender cannot change the application."),
    "unresolved": ("Unrecognised names", "Governance must identify them."),
    "schema": ("Schema errors", "Imported anyway, as far as readable."),
    "ignored": ("Ignored entries", "No use of a model recognised."),
}


_COUNTED: Mapping[str, str] = {
    "sightings": "Uses of models",
    "deployments": "Deployments",
    "created": "New dependencies",
    "updated": "Updated dependencies",
    "unchanged": "Unchanged dependencies",
    "unresolved": "Unrecognised names",
    "unclaimed": "Without an application",
    "missing": "No longer named",
    "ignored": "Ignored entries",
    "rejected": "Rejected entries",
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
    """Render the page of an imported document, with what it named and what could not be used."""
    document_format = ALL_FORMATS.get(import_.format)
    return render_page(
        request,
        "imports/document.html",
        title=str(import_),
        crumbs=(("Import", reverse("imports:list")),),
        counts="Content of this document",
        as_of=import_.read_at or import_.received_at,
        sentence=document_headline(import_),
        import_=import_,
        format=document_format.label if document_format else import_.format,
        facts=_list_facts(import_),
        figures=[
            (name, import_.counts[key])
            for key, name in _COUNTED.items()
            if _is_counted(import_, key)
        ],
        problems=_list_problems(import_),
        needs_application=import_.state == Import.State.RECEIVED
        or (import_.state == Import.State.FAILED and import_.application_id is None),
        may_undo=import_.state == Import.State.APPLIED and import_.change is not None,
        **context,
    )


def document_headline(import_: Import) -> Headline:
    """State the outcome of a document; the marked part needs action."""
    counts, state = import_.counts, import_.state
    if state == Import.State.FAILED:
        return Headline("", "The document could not be read", f": {import_.error}")
    if state == Import.State.RECEIVED:
        document_format = ALL_FORMATS.get(import_.format)
        if document_format is not None and document_format.holds_for_all:
            explanation = (
                " Only governance can import it for all applications. Nothing is imported yet."
            )
        else:
            explanation = " The document does not name it. Nothing is imported yet."
        return Headline("", "Which application is it about?", explanation)
    if state == Import.State.READING:
        return Headline("The document is being read.")
    if state == Import.State.UNDOING:
        return Headline("The import is being undone.")
    if state == Import.State.UNDONE:
        return Headline(
            "The import was undone. Its dependencies were removed and its observations are "
            "not used."
        )
    if counts.get("names_ai") is False:
        return Headline(
            "",
            "The document names no model and no AI service",
            ", so it changes nothing. Upload a document of a scanner that detects models.",
        )
    n = int(counts.get("sightings", 0))
    sentence = pluralize(
        n, f"It contains {number(n)} use of a model", f"It contains {number(n)} uses of models"
    )
    n_deployed = int(counts.get("deployments", 0))
    if n_deployed:
        sentence = pluralize(
            n_deployed,
            f"It identifies the model of {number(n_deployed)} deployment",
            f"It identifies the models of {number(n_deployed)} deployments",
        )
    clauses = []
    if counts.get("created"):
        clauses.append(f"{number(counts['created'])} new")
    n_known = int(counts.get("updated", 0)) + int(counts.get("unchanged", 0))
    if n_known:
        clauses.append(f"{number(n_known)} already known")
    sentence += f": {', '.join(clauses)}" if clauses else ""
    n_open = int(counts.get("unresolved", 0)) + int(counts.get("rejected", 0))
    if not n_open:
        return Headline(f"{sentence}.")
    return Headline(f"{sentence}; ", f"{number(n_open)} could not be identified", ".")


def _list_facts(import_: Import) -> list[tuple[Any, Any]]:
    tool = f"{import_.tool} {import_.tool_version}".strip()
    creation_time = f"{import_.document_at:%-d %b %Y, %H:%M} UTC" if import_.document_at else ""
    valid = {True: "valid", False: "errors", None: ""}[import_.schema_valid]
    rows = [
        ("Tool", tool),
        ("Created", creation_time),
        ("Document ID", import_.natural_key),
        ("Environment", import_.environment),
        ("Sent by", import_.by),
        ("API token", import_.token),
        ("Schema", valid),
        ("Digest", import_.digest[:16]),
    ]
    return [(name, value) for name, value in rows if value]


def _is_counted(import_: Import, key: str) -> bool:
    return isinstance(import_.counts.get(key), int) and import_.counts[key] > 0


def _list_problems(import_: Import) -> list[DocumentProblems]:
    problems = []
    for kind, (name, explanation) in _PROBLEMS.items():
        rows = import_.problems.get(kind) or []
        if rows:
            problems.append(
                DocumentProblems(
                    kind, name, explanation, rows[:MAX_ROWS], max(0, len(rows) - MAX_ROWS)
                )
            )
    return problems


@require_POST
def choose_application(request: HttpRequest, pk: int) -> HttpResponse:
    """Set the application that the document is about; it is read for that application."""
    import_, user = import_or_404(request, pk)
    name = request.POST.get("application", "").strip()

    def choose(_form: forms.Form) -> Import:
        application = (
            Application.objects.visible_to(user).filter(Q(slug=name) | Q(name__iexact=name)).first()
        )
        if application is None:
            raise DomainError(f'No application "{name[:120]}" found. Enter its name or slug.')
        return set_document_application(import_=import_, application=application, by=user)

    return action_view(
        request,
        action=choose,
        done=lambda updated: (
            f"Assigned to {updated.application}." if updated.state == Import.State.APPLIED else ""
        ),
        back=reverse("imports:detail", args=[pk]),
    )
