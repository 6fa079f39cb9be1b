"""Decisions that a second governance person confirms: confirmation, rejection and withdrawal, from
the page of the record and from that of the issue; and the settings that require it."""

from collections.abc import Callable
from datetime import datetime

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.common.database.fields import MAX_REASON_LENGTH
from apps.common.time import now
from apps.inventory.governance.proposals import (
    SETTINGS_FIELDS,
    SETTINGS_TARGET,
    confirm_proposal,
    confirmation_settings,
    reject_proposal,
    second_people,
    submit_confirmation_settings,
    withdraw_proposal,
)
from apps.inventory.models import ConfirmationSettings, DecisionProposal
from apps.issues.evaluation import evaluate_kinds
from apps.issues.models import CauseKind
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.proposals import present_open_proposal
from apps.web.views.undo import return_path

PROPOSED = "Proposed. The decision applies once a second governance user confirms it."


def confirm_proposed(*, at: datetime) -> str:
    """Open the issue of a decision that was proposed, and return the confirmation."""
    evaluate_kinds({CauseKind.TOLERANCE_CHANGE}, at=at)
    return PROPOSED


_DECISIONS: dict[str, tuple[Callable[..., DecisionProposal], str]] = {
    "confirm": (confirm_proposal, "Decision confirmed. It applies now."),
    "reject": (reject_proposal, "Proposal rejected."),
    "withdraw": (withdraw_proposal, "Proposal withdrawn."),
}


@require_POST
def decide_proposal(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Confirm, reject or withdraw a proposal, as the URL says."""
    user, at = signed_in_user(request), now()
    proposal = get_object_or_404(DecisionProposal.objects.visible_to(user), pk=pk)
    if action not in _DECISIONS:
        raise Http404
    decide, message = _DECISIONS[action]

    def confirm(_proposal: DecisionProposal) -> str:
        evaluate_kinds({CauseKind.TOLERANCE_CHANGE}, at=at)
        return message

    issues = f"{reverse('issues:list')}?kind={CauseKind.TOLERANCE_CHANGE}"
    return action_view(
        request,
        action=lambda _form: decide(
            proposal=proposal,
            by=user,
            at=at,
            reason=request.POST.get("reason", "").strip()[:MAX_REASON_LENGTH],
        ),
        done=confirm,
        back=return_path(request, issues),
    )


# --- settings -------------------------------------------------------------------------------------


class ConfirmationSettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    """Form of the decisions that a second person confirms."""

    reason = forms.CharField(
        label="Reason for the change",
        required=False,
        max_length=MAX_REASON_LENGTH,
        help_text="Required to remove a requirement if a second governance user exists.",
    )

    class Meta:
        model = ConfirmationSettings
        fields = ["tolerances", "acceptances", "blocks"]
        labels = {
            "tolerances": "Tolerances during a breach",
            "acceptances": "Acceptance of critical risks",
            "blocks": "Blocks",
        }

    def facts(self) -> dict[str, bool]:
        return {name: self.cleaned_data[name] for name in SETTINGS_FIELDS}


@require_http_methods(["GET", "HEAD", "POST"])
def edit_confirmation_settings(request: HttpRequest) -> HttpResponse:
    """Show and change which decisions a second governance person confirms."""
    user, at = signed_in_user(request), now()
    if not user.can_read_all:
        raise Http404
    if request.method == "POST" and not user.is_governance:
        raise PermissionDenied(
            "You need the governance or administrator role to change these settings."
        )
    data = request.POST if request.method == "POST" else None
    return action_view(
        request,
        form=lambda: ConfirmationSettingsForm(data, instance=confirmation_settings()),
        action=lambda form: submit_confirmation_settings(
            facts=form.facts(), by=user, at=at, reason=form.cleaned_data["reason"]
        ),
        done=lambda outcome: (
            confirm_proposed(at=at) if isinstance(outcome, DecisionProposal) else "Settings saved."
        ),
        back=reverse("confirmation-settings:detail"),
        page=lambda form: _render_settings(request, form),
    )


def _render_settings(request: HttpRequest, form: ConfirmationSettingsForm) -> HttpResponse:
    user = signed_in_user(request)
    return render_page(
        request,
        "settings/confirmations.html",
        title="Decisions to confirm",
        crumbs=(("Settings", reverse("settings:home")),),
        sentence=Headline("A second governance user confirms the decisions selected here."),
        form=form,
        may_change=user.is_governance,
        proposal=present_open_proposal(
            DecisionProposal.Kind.SETTING, SETTINGS_TARGET, user, back=request.path
        ),
        has_second_person=second_people(user).exists(),
    )
