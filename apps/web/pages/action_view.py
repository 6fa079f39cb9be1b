"""A change by POST: one helper for the form, its action, its errors and its confirmation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.common.errors import DomainError, ForbiddenError
from apps.web.pages.flash_messages import flash_error, flash_success


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The message after an action, and what undoes it: a change of the inventory, or a URL to POST
    to. A message that `is_refusal` says that nothing was changed, and why; `refusals` say it of
    some of the selected records."""

    message: str
    undo: UUID | str | None = None
    is_refusal: bool = False
    refusals: Sequence[str] = ()


def action_view[F: forms.BaseForm, R](
    request: HttpRequest,
    *,
    action: Callable[[F], R],
    done: str | Callable[[R], Confirmation | str],
    back: str | Callable[[R], str | HttpResponse],
    form: Callable[[], F] | None = None,
    page: Callable[[F], HttpResponse] | None = None,
    refused: str = "",
) -> HttpResponse:
    """Return the page of a form, or carry out its action and redirect.

    `form` makes the form, bound if the request is a POST, and can lock rows: it runs in the
    transaction of the action; a button needs none. After the transaction `done` gives the
    confirmation, and `back` the URL to which it redirects or a page that is shown only once.

    An error of the form or the action is shown on `page`, with status 422; without a page it is a
    message at the URL `refused`, or at `back`. With both, `page` shows what is wrong with the
    values, and `refused` what contradicts the record, which the user then sees as it is now. A
    missing role is the page of 403. The caller has checked the permission to see the form.
    """
    make_form: Callable[[], Any] = form or (lambda: forms.Form(request.POST))
    if request.method != "POST":
        assert page is not None, "a view without a page accepts only POST"
        return page(make_form())
    results: list[R] = []
    with transaction.atomic():
        bound = make_form()
        if bound.is_valid():
            try:
                # a savepoint, so that an error of the database keeps the locks
                with transaction.atomic():
                    results.append(action(bound))
            except ForbiddenError:
                # no other input would be accepted
                raise
            except (DomainError, ValidationError) as error:
                add_errors(bound, error)
                if refused and isinstance(error, DomainError):
                    page = None
    for result in results:
        _flash(request, done if isinstance(done, str) else done(result))
        target = back(result) if callable(back) else back
        return target if isinstance(target, HttpResponse) else redirect(target)
    if page is not None:
        response = page(bound)
        response.status_code = 422
        return response
    flash_error(request, join_errors(bound))
    assert refused or isinstance(back, str), "a refusal needs a URL"
    return redirect(refused or str(back))


def _flash(request: HttpRequest, confirmation: Confirmation | str) -> None:
    if isinstance(confirmation, str):
        confirmation = Confirmation(confirmation)
    if confirmation.is_refusal:
        flash_error(request, confirmation.message)
    elif confirmation.message:
        flash_success(request, confirmation.message, undo=confirmation.undo)
    for refusal in confirmation.refusals:
        flash_error(request, refusal)


def add_errors(form: forms.BaseForm, error: DomainError | ValidationError) -> None:
    """Add the errors of an action to the fields that they name, or to the form."""
    if isinstance(error, DomainError):
        form.add_error(error.field if error.field in form.fields else None, str(error))
    elif hasattr(error, "error_dict"):
        for name, errors in error.error_dict.items():
            form.add_error(name if name in form.fields else None, errors)
    else:
        form.add_error(None, error)


def join_errors(form: forms.BaseForm) -> str:
    """Return the errors of a form, each once, as sentences."""
    return " ".join(
        dict.fromkeys(str(error) for errors in form.errors.values() for error in errors)
    )
