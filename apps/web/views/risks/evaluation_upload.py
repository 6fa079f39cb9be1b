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
from apps.common.text import pluralize
from apps.common.time import now
from apps.intake.import_jobs import IntakePermissionError
from apps.intake.models import Import
from apps.inventory.models import Application
from apps.risks.evaluations.evidence_import import (
    MAX_BYTES,
    MAX_MODEL_LENGTH,
    receive_evaluation,
)
from apps.risks.evaluations.formats import READERS
from apps.risks.models import Evidence
from apps.web.pages.flash_messages import flash_success
from apps.web.pages.form_fields import can_import, signed_in_user
from apps.web.pages.page import Headline, render_page

MIB = 1024 * 1024
MAX_REJECTED_ROWS = 3


class EvaluationUploadForm(forms.Form):
    file = forms.FileField(
        label="Results file",
        help_text="promptfoo's results.json, a log of inspect_ai, lm-eval's results_….json or "
        "samples_….jsonl, garak's report.jsonl, or a table of MLflow. Questions, answers and "
        "attacks are not stored; scores of single items are, to compare models.",
        widget=forms.ClearableFileInput(attrs={"accept": ".json,.jsonl,.eval,.csv"}),
        max_length=255,
    )
    application = forms.CharField(
        label="Application",
        required=False,
        max_length=120,
        help_text="Slug. Empty: evidence about the model for all applications. This requires the "
        "governance role.",
    )
    tool = forms.ChoiceField(
        label="Tool",
        required=False,
        choices=[("", "detect from the file"), *((name, name) for name in READERS)],
    )

    model = forms.CharField(
        label="Model",
        required=False,
        max_length=MAX_MODEL_LENGTH,
        help_text="For samples of lm-eval and tables of MLflow, which do not name it: for example "
        "openai/gpt-4o.",
    )
    suite = forms.CharField(
        label="Suite",
        required=False,
        max_length=200,
        help_text="For the same files: the name of the suite, the same for every model. Empty: by "
        "the name of the file.",
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
        application = Application.objects.visible_to(self.user).filter(slug=slug).first()
        if application is None:
            raise forms.ValidationError(
                "No application with this slug found. Copy it from the URL of its page."
            )
        return application


@require_http_methods(["GET", "HEAD", "POST"])
def upload_evaluation(request: HttpRequest) -> HttpResponse:
    """Upload evaluation results; `?application=` prefills the form. A large file is processed by a
    worker."""
    user, at = signed_in_user(request), now()
    if not can_import(user):
        raise PermissionDenied(
            "You need the editor role on a team, or the governance role, to record evidence."
        )
    is_post = request.method == "POST"
    form = EvaluationUploadForm(
        request.POST if is_post else None,
        request.FILES if is_post else None,
        user=user,
        initial={"application": request.GET.get("application", "")},
    )
    if is_post and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            evaluation_import, is_new = receive_evaluation(
                body=file.read(),
                by=user,
                at=at,
                tool=form.cleaned_data["tool"],
                model=form.cleaned_data["model"],
                suite=form.cleaned_data["suite"],
                file_name=file.name,
                application=form.cleaned_data["application"],
            )
        except IntakePermissionError as error:
            raise PermissionDenied(str(error)) from None
        if evaluation_import.state == Import.State.FAILED:
            form.add_error("file", evaluation_import.error)
        else:
            flash_success(request, _describe_import(evaluation_import, is_new))
            return redirect(
                f"{reverse('evidence:list')}?{_build_evidence_query(evaluation_import)}"
            )
    return render_page(
        request,
        "risks/upload-results.html",
        title="Upload results",
        crumbs=(
            ("Inherited risks", reverse("inherited-risks:list")),
            ("Evidence", reverse("evidence:list")),
        ),
        as_of=at,
        status=422 if is_post else 200,
        sentence=Headline("Each result of the file becomes evidence about its model."),
        form=form,
    )


def _build_evidence_query(evaluation_import: Import) -> str:
    run = (
        Evidence.objects.filter(digest=evaluation_import.digest)
        .values_list("run", flat=True)
        .first()
        or evaluation_import.natural_key
    )
    return urlencode(
        {"run": run} if run else {"tool": evaluation_import.tool} if evaluation_import.tool else {}
    )


def _describe_import(evaluation_import: Import, is_new: bool) -> str:
    """Return what was added as sentences; a large file is read by a worker, and a known one adds
    nothing."""
    if not is_new:
        return "This file was uploaded before. Nothing was added."
    if evaluation_import.state != Import.State.APPLIED:
        return "The file is large and is being processed. Its results appear here within minutes."
    n = evaluation_import.counts.get("created", 0)
    message = pluralize(
        n,
        f"1 result of {evaluation_import.tool} was recorded.",
        f"{n} results of {evaluation_import.tool} were recorded.",
    )
    if n_unchanged := evaluation_import.counts.get("unchanged", 0):
        message += " " + pluralize(
            n_unchanged, "1 was recorded before.", f"{n_unchanged} were recorded before."
        )
    rejected_rows = evaluation_import.problems.get("rejected", [])
    if rejected_rows:
        message += (
            " "
            + "Not recorded:"
            + " "
            + " ".join(problem["reason"] for problem in rejected_rows[:MAX_REJECTED_ROWS])
        )
        if len(rejected_rows) > MAX_REJECTED_ROWS:
            message += " " + f"and {len(rejected_rows) - MAX_REJECTED_ROWS} more."
    return message
