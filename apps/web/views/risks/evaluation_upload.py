"""Evaluation results, uploaded as the evaluation tool wrote them: each figure becomes evidence."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.text import pluralize
from apps.common.time import now
from apps.intake.import_jobs import IntakePermissionError
from apps.intake.models import Import
from apps.inventory.models import Application
from apps.risks.evaluations.evidence_import import MAX_BYTES, receive_evaluation
from apps.risks.evaluations.formats import READERS
from apps.risks.models import Evidence
from apps.web.pages.flash_messages import flash_success
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page

MIB = 1024 * 1024
MAX_REJECTED_ROWS = 3


class EvaluationUploadForm(forms.Form):
    file = forms.FileField(
        label="Results file",
        help_text="promptfoo's results.json, a log of inspect_ai, lm-eval's results_….json "
        "or garak's report.jsonl. Questions, answers and attacks are not stored.",
        widget=forms.ClearableFileInput(attrs={"accept": ".json,.jsonl,.eval"}),
        max_length=255,
    )
    application = forms.CharField(
        label="Application",
        required=False,
        max_length=120,
        help_text="Slug. Empty: about the model itself, for all applications; requires the "
        "governance role.",
    )
    tool = forms.ChoiceField(
        label="Tool",
        required=False,
        choices=[("", "detect from the file"), *((name, name) for name in READERS)],
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError(
                f"The file is larger than {MAX_BYTES // MIB} MiB. Configure the tool to write it "
                "without samples."
            )
        return file

    def clean_application(self) -> Application | None:
        slug = self.cleaned_data["application"].strip()
        if not slug:
            return None
        found = Application.objects.visible_to(self.user).filter(slug=slug).first()
        if found is None:
            raise forms.ValidationError(
                "No application with this slug found. Copy it from the URL of its page."
            )
        return found


@require_http_methods(["GET", "HEAD", "POST"])
def upload_evaluation(request: HttpRequest) -> HttpResponse:
    """Upload results; `?application=` fills it in. Processed in the request, or by a worker if the
    file is large."""
    user, at = signed_in_user(request), now()
    if not (
        user.is_governance
        or any(rank >= TeamRole.EDITOR.rank for rank in user.team_roles().values())
    ):
        raise PermissionDenied(
            "You need the editor role on a team, or the governance role, to record evidence."
        )
    posted = request.method == "POST"
    form = EvaluationUploadForm(
        request.POST if posted else None,
        request.FILES if posted else None,
        user=user,
        initial={"application": request.GET.get("application", "")},
    )
    if posted and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            taken, is_new = receive_evaluation(
                body=file.read(),
                by=user,
                at=at,
                tool=form.cleaned_data["tool"],
                file_name=file.name,
                application=form.cleaned_data["application"],
            )
        except IntakePermissionError as refused:
            raise PermissionDenied(str(refused)) from None
        if taken.state == Import.State.FAILED:
            form.add_error("file", taken.error)
        else:
            flash_success(request, _said(taken, is_new))
            return redirect(f"{reverse('evidence:list')}?{_where(taken)}")
    return render_page(
        request,
        "risks/upload-results.html",
        title="Upload results",
        crumbs=(("Risks", reverse("inherited-risks:list")), ("Evidence", reverse("evidence:list"))),
        as_of=at,
        status=422 if posted else 200,
        sentence=Headline("Each figure of the file becomes evidence about the model it names."),
        form=form,
    )


def _where(taken: Import) -> str:
    run = (
        Evidence.objects.filter(digest=taken.digest).values_list("run", flat=True).first()
        or taken.natural_key
    )
    return urlencode({"run": run} if run else {"tool": taken.tool} if taken.tool else {})


def _said(taken: Import, is_new: bool) -> str:
    if not is_new:
        return "This very file was filed before; nothing was added."
    if taken.state != Import.State.APPLIED:
        return (
            "The file is large and is being worked through. Its figures appear here within minutes."
        )
    n = taken.counts.get("created", 0)
    said = pluralize(
        n, f"One figure of {taken.tool} is filed.", f"{n} figures of {taken.tool} are filed."
    )
    if same := taken.counts.get("unchanged", 0):
        said += " " + pluralize(same, "One was on file.", f"{same} were on file.")
    refused = taken.problems.get("rejected", [])
    if refused:
        said += (
            " "
            + "Not filed:"
            + " "
            + " ".join(part["reason"] for part in refused[:MAX_REJECTED_ROWS])
        )
        if len(refused) > MAX_REJECTED_ROWS:
            said += " " + f"and {len(refused) - MAX_REJECTED_ROWS} more."
    return said
