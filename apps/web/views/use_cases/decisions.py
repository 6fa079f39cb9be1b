"""Decisions of governance on a proposed use case: accept, decline, ask a question, undo."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import User
from apps.alerts.use_case_mail import (
    StoppedMail,
    queue_decision_mail,
    queue_question_mail,
    stop_decision_mail,
    stop_question_mail,
)
from apps.catalog.identity.named_models import NamedModel
from apps.catalog.models import Offering
from apps.common.errors import ConflictError
from apps.common.time import day_of, now
from apps.inventory.governance.use_cases.decisions import (
    accept_use_case,
    ask_question,
    decline_use_case,
    undo_decision,
    withdraw_question,
)
from apps.inventory.governance.use_cases.model_candidates import ModelReading, read_planned_model
from apps.inventory.models import Application, ProposedUseCase
from apps.inventory.models.use_cases import MAX_ANSWER_LENGTH
from apps.inventory.queries import editable_teams
from apps.inventory.read_models import refresh_applications
from apps.issues.evaluation import evaluate_kinds
from apps.issues.models import CauseKind
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.form_fields import DayField, QuickSelect, governance_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.dependencies.offering_picker import build_picker, number_in
from apps.web.views.use_cases.detail import find_use_case

GOVERNANCE_ONLY = "You need the governance or administrator role to decide on use cases."
NO_MAIL = "No email was sent, because none can be sent to this address."


class AcceptForm(forms.ModelForm):  # type: ignore[type-arg]
    """Form of the application that an accepted use case becomes."""

    since = DayField(
        label="Model used from", required=False, help_text="Required if a model is selected."
    )
    offering = forms.ModelChoiceField(
        Offering.objects.filter(not_a_model=False), required=False, widget=forms.HiddenInput
    )
    as_written = forms.BooleanField(
        label="Without a selected model ID, use the model as written",
        required=False,
        help_text="Its model ID can be chosen later.",
    )
    reason = forms.CharField(
        label="Message to the person who proposed it",
        required=False,
        max_length=MAX_ANSWER_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    class Meta:
        model = Application
        fields = (
            "name",
            "team",
            "business_owner",
            "technical_owner",
            "criticality",
            "ai_act_class",
        )
        widgets = {"team": QuickSelect}
        labels = {
            "name": "Name",
            "team": "Team",
            "business_owner": "Business owner",
            "technical_owner": "Technical owner",
            "criticality": "Criticality",
            "ai_act_class": "AI Act class",
        }
        help_texts = {
            "team": "Its editors can change the application.",
            "business_owner": "Name or email address.",
            "technical_owner": "Name or email address.",
            "criticality": "Business impact of an outage.",
            "ai_act_class": "The suggestion follows from the answers. Check it.",
        }

    def __init__(self, *args: Any, user: User, named: NamedModel | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = editable_teams(user=user)  # type: ignore[attr-defined]
        self.named = named
        if named is None:
            del self.fields["as_written"]

    @property
    def chosen_name(self) -> NamedModel | None:
        """The model as written, if no model ID is selected."""
        is_chosen = self.cleaned_data.get("as_written") and not self.cleaned_data["offering"]
        return self.named if is_chosen else None

    @property
    def facts(self) -> dict[str, Any]:
        names = ("business_owner", "technical_owner", "criticality", "ai_act_class")
        return {name: self.cleaned_data[name] for name in names}


@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept the use case: choose team, owners and model of the application."""
    use_case, user = _find(request, pk)
    at = now()
    reading = read_planned_model(use_case)
    initial = {
        "as_written": True,
        "name": use_case.name,
        "business_owner": use_case.business_owner,
        "ai_act_class": use_case.suggested_class,
        "since": max(use_case.starts_on or day_of(at), day_of(at)),
    }

    def act(form: AcceptForm) -> tuple[ProposedUseCase, bool]:
        accepted = accept_use_case(
            use_case=use_case,
            name=form.cleaned_data["name"],
            team=form.cleaned_data["team"],
            facts=form.facts,
            offering=form.cleaned_data["offering"],
            named=form.chosen_name,
            since=form.cleaned_data["since"],
            reason=form.cleaned_data["reason"],
            by=user,
            at=at,
        )
        return accepted, queue_decision_mail(use_case=accepted, by=user, at=at) is not None

    def confirm(result: tuple[ProposedUseCase, bool]) -> Confirmation:
        accepted, is_mailed = result
        application = accepted.application
        assert application is not None
        refresh_applications(application_ids=[application.pk], on=day_of(at))
        has_model = application.dependencies.exists()
        sentence = f"Use case accepted. {application.name} is a proposed application."
        if not has_model:
            sentence += " Add the model that it will call."
        return _confirm(accepted, sentence, is_mailed, at)

    return action_view(
        request,
        form=lambda: AcceptForm(
            request.POST or None, initial=initial, user=user, named=reading.named
        ),
        action=act,
        done=confirm,
        back=lambda result: reverse("applications:detail", args=[result[0].application.slug]),  # type: ignore[union-attr]
        page=lambda form: _render_acceptance(request, use_case, reading, form),
    )


def _render_acceptance(
    request: HttpRequest, use_case: ProposedUseCase, reading: ModelReading, form: AcceptForm
) -> HttpResponse:
    chosen = number_in(request.POST.get("offering") or request.GET.get("offering"))
    return render_page(
        request,
        "use-cases/accept.html",
        fragment="hits",
        title="Accept use case",
        crumbs=(
            ("Proposed use cases", reverse("use-cases:list")),
            (use_case.name, reverse("use-cases:detail", args=[use_case.pk])),
        ),
        sentence=Headline("The use case becomes an application in status proposed."),
        use_case=use_case,
        reading=reading,
        form=form,
        picker=build_picker(
            request,
            name="offering",
            legend="Primary model",
            chosen=chosen,
            suggested=[(pk, "may be what was proposed") for pk in reading.offering_ids],
            is_optional=True,
        ),
    )


@require_POST
def decline(request: HttpRequest, pk: int) -> HttpResponse:
    """Decline the use case, with a reason that the person receives."""
    use_case, user = _find(request, pk)
    at = now()

    def act(_form: forms.Form) -> tuple[ProposedUseCase, bool]:
        declined = decline_use_case(
            use_case=use_case, by=user, at=at, reason=_read_text(request, "reason")
        )
        return declined, queue_decision_mail(use_case=declined, by=user, at=at) is not None

    return action_view(
        request,
        action=act,
        done=lambda result: _confirm(result[0], "Use case declined.", result[1], at),
        back=_detail_url(use_case),
    )


@require_POST
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the person who proposed the use case a question."""
    use_case, user = _find(request, pk)
    at = now()

    def act(_form: forms.Form) -> bool:
        question = ask_question(
            use_case=use_case, question=_read_text(request, "question"), by=user, at=at
        )
        return queue_question_mail(question=question, by=user, at=at) is not None

    def confirm(is_mailed: bool) -> Confirmation:
        _evaluate(at)
        sentence = (
            "Question asked."
            if is_mailed
            else "Question asked. No email can be sent to this address. Pass on the link below."
        )
        return Confirmation(sentence, undo=reverse("use-cases:withdraw-question", args=[pk]))

    return action_view(request, action=act, done=confirm, back=_detail_url(use_case))


@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw the question that waits for an answer."""
    use_case, user = _find(request, pk)
    at = now()

    def act(_form: forms.Form) -> StoppedMail:
        question = use_case.questions.open().select_related("use_case").first()
        if question is None:
            raise ConflictError("No question waits for an answer. Reload the page.")
        withdraw_question(question=question, by=user, at=at)
        return stop_question_mail(question=question)

    return action_view(
        request,
        action=act,
        done=_confirm_undo("Question withdrawn.", at),
        back=_detail_url(use_case),
    )


@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo the decision: the use case is undecided again."""
    use_case, user = _find(request, pk)
    at = now()

    def act(_form: forms.Form) -> StoppedMail:
        undo_decision(use_case=use_case, by=user)
        if use_case.decided_at is None:
            return StoppedMail(is_stopped=False, was_sent=False)
        return stop_decision_mail(use_case=use_case, decided_at=use_case.decided_at)

    return action_view(
        request,
        action=act,
        done=_confirm_undo("The decision was undone. The use case is undecided again.", at),
        back=_detail_url(use_case),
    )


def _confirm(
    use_case: ProposedUseCase, sentence: str, is_mailed: bool, at: datetime
) -> Confirmation:
    """Return the confirmation of a decision, with its undo; the issue follows."""
    _evaluate(at)
    mail = f"{use_case.proposer_name} is notified by email." if is_mailed else NO_MAIL
    return Confirmation(f"{sentence} {mail}", undo=reverse("use-cases:undo", args=[use_case.pk]))


def _confirm_undo(sentence: str, at: datetime) -> Callable[[StoppedMail], str]:
    def confirm(mail: StoppedMail) -> str:
        _evaluate(at)
        if mail.was_sent:
            return f"{sentence} The email was already sent."
        return f"{sentence} The email is not sent." if mail.is_stopped else sentence

    return confirm


def _evaluate(at: datetime) -> None:
    """Update the issue of the use case."""
    evaluate_kinds({CauseKind.PROPOSED_USE_CASE}, at=at)


def _find(request: HttpRequest, pk: int) -> tuple[ProposedUseCase, User]:
    """Return the use case and the governance user; not found for users without an organisation
    role."""
    use_case = find_use_case(request, pk)
    return use_case, governance_user(request, GOVERNANCE_ONLY)


def _detail_url(use_case: ProposedUseCase) -> str:
    return reverse("use-cases:detail", args=[use_case.pk])


def _read_text(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").strip()[:MAX_ANSWER_LENGTH]
