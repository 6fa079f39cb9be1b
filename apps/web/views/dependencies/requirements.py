"""Page to declare the requirements of a dependency, beside what was observed."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.inventory.actions import locks
from apps.inventory.actions.requirements import declare_requirements
from apps.inventory.models import Dependency, Requirement
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.requirements import combine_requirements
from apps.web.views.applications.change_view import change_view
from apps.web.views.applications.edit import application_crumbs
from apps.web.views.applications.lookups import editable_dependency
from apps.web.views.dependencies.requirement_form import RequirementForm


@require_http_methods(["GET", "HEAD", "POST"])
def edit_requirements(request: HttpRequest, pk: int) -> HttpResponse:
    """Declare what a dependency uses of its model."""
    dependency, user = editable_dependency(request, pk)
    application = dependency.application
    api_id = dependency.offering.api_id
    return change_view(
        request,
        application,
        form=lambda: _make_form(request, dependency, user),
        action=lambda form: declare_requirements(
            dependency=dependency,
            values=form.values,
            by=user,
            reason=form.cleaned_data["reason"],
        ),
        done=f"The requirements of the dependency on {api_id} were saved.",
        back=f"{reverse('applications:detail', args=[application.slug])}"
        "?tab=dependencies#requirements",
        page=lambda form: render_page(
            request,
            "dependencies/requirements.html",
            title=f"Requirements on {api_id}",
            crumbs=application_crumbs(application),
            sentence=Headline(f"Declare what {application.name} uses of {api_id}."),
            application=application,
            dependency=dependency,
            form=form,
        ),
    )


def _make_form(request: HttpRequest, dependency: Dependency, user: User) -> RequirementForm:
    if request.method == "POST":
        locks.locked_dependency(dependency, by=user)
    rows = list(Requirement.objects.filter(dependency=dependency))
    return RequirementForm(
        request.POST or None,
        row=dependency,
        declared={
            row.field: row.value for row in rows if row.origin == Requirement.Origin.DECLARED
        },
        entries={entry.field: entry for entry in combine_requirements(rows)},
    )
