"""Pages without an account: the form for a proposed use case, and the answer to a question.

They read nothing but the link: no page, error or duration tells what the registry contains. A
signed link is the permission. Unknown links are "not found", closed ones "closed", without more."""

from collections.abc import Callable

import pghistory
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from apps.common.requests.address import request_address
from apps.common.requests.rate_limits import exceeds_rate
from apps.common.time import now
from apps.inventory.governance.use_cases.links import (
    ClosedLinkError,
    UnknownLinkError,
    link_of_token,
    question_of_token,
)
from apps.inventory.governance.use_cases.submissions import answer_question, submit_use_case
from apps.inventory.retention import DECLINED_USE_CASE_DAYS
from apps.web.pages.page import Headline, render_page
from apps.web.views.use_cases.answer_fields import AnswerForm, UseCaseForm

# of one address; people of one organisation often share one
MAX_REQUESTS_A_MINUTE = 60
MAX_SENT_AN_HOUR = 60
# of one link
MAX_SENT_BY_LINK_AN_HOUR = 60


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def propose_use_case(request: HttpRequest, token: str) -> HttpResponse:
    """Show the form of a link; POST stores the proposal and shows its reference."""
    return _answer_by_link(request, lambda: _propose(request, token))


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def answer_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show the question of governance; POST stores the answer."""
    return _answer_by_link(request, lambda: _answer(request, token))


def _propose(request: HttpRequest, token: str) -> HttpResponse:
    at = now()
    link = link_of_token(token, at=at)
    form = UseCaseForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return _render_form(request, form)
    if exceeds_rate(f"propose-link:{link.pk}", limit=MAX_SENT_BY_LINK_AN_HOUR, seconds=3600):
        return _render_throttled(request)
    # the history stores URLs, and with this one its readers could propose
    with pghistory.context(url="/propose/-/"):
        use_case = submit_use_case(link=link, answers=form.answers, form_key=form.key, at=at)
    return render_page(
        request,
        "use-cases/sent.html",
        title="Proposal sent",
        sentence=Headline(f"Your proposal has the reference {use_case.reference}."),
    )


def _answer(request: HttpRequest, token: str) -> HttpResponse:
    at = now()
    question = question_of_token(token, at=at)
    form = AnswerForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return render_page(
            request,
            "use-cases/answer.html",
            title="Question",
            status=422 if request.method == "POST" else 200,
            sentence=Headline("Governance has a question about your proposed use case."),
            question=question,
            form=form,
        )
    with pghistory.context(url="/propose/answer/-/"):
        answer_question(question=question, answer=form.cleaned_data["answer"], at=at)
    return render_page(
        request,
        "use-cases/sent.html",
        title="Answer sent",
        sentence=Headline("Your answer was sent."),
    )


def _answer_by_link(request: HttpRequest, respond: Callable[[], HttpResponse]) -> HttpResponse:
    """Return the response without what it could tell to others, or why the link does not work."""
    # before the link is read, so that links cannot be guessed either
    if _is_throttled(request):
        return _make_private(_render_throttled(request))
    try:
        response = respond()
    except UnknownLinkError:
        response = _render_refusal(
            request,
            "Link not found",
            "This link does not exist. Copy the whole link from the message again.",
            status=404,
        )
    except ClosedLinkError:
        response = _render_refusal(
            request,
            "Link closed",
            "This link is closed. Ask the person from whom you received it for another one.",
            status=410,
        )
    return _make_private(response)


def _render_form(request: HttpRequest, form: UseCaseForm) -> HttpResponse:
    return render_page(
        request,
        "use-cases/form.html",
        title="Propose a use case",
        status=422 if form.is_bound else 200,
        sentence=Headline("Describe the use of an AI model that you plan."),
        form=form,
        declined_days=DECLINED_USE_CASE_DAYS,
    )


def _render_refusal(
    request: HttpRequest, title: str, sentence: str, *, status: int
) -> HttpResponse:
    return render_page(
        request, "use-cases/closed.html", title=title, status=status, sentence=Headline(sentence)
    )


def _is_throttled(request: HttpRequest) -> bool:
    address = request_address(request)
    is_too_fast = exceeds_rate(f"propose:{address}", limit=MAX_REQUESTS_A_MINUTE, seconds=60)
    return is_too_fast or (
        request.method == "POST"
        and exceeds_rate(f"propose-post:{address}", limit=MAX_SENT_AN_HOUR, seconds=3600)
    )


def _render_throttled(request: HttpRequest) -> HttpResponse:
    response = _render_refusal(
        request,
        "Too many requests",
        "Too many requests were sent. Nothing was stored. Try again in an hour.",
        status=429,
    )
    response["Retry-After"] = "3600"
    return response


def _make_private(response: HttpResponse) -> HttpResponse:
    """Mark the response as not to be cached, nor indexed by search engines."""
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
