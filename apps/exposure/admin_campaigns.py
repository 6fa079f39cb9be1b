"""Campaigns in the admin: governance opens and leads them here; tasks are worked on by their teams
elsewhere."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apps.accounts.admin import OrganisationRoleAdmin, ReadOnlyAdmin, signed_in_user
from apps.common.time import day_of, now
from apps.exposure.campaigns.lifecycle import (
    change_campaign,
    close_campaign,
    extend_campaign,
    open_campaign,
    reschedule_campaign,
)
from apps.exposure.campaigns.progress import campaign_progress
from apps.exposure.models import Campaign, CampaignTask, TaskStep
from apps.inventory.actions.checks import ChangeConflictError


class CampaignForm(forms.ModelForm):  # type: ignore[type-arg]
    """Opens by an event, or by the offering that ends; changes title, target, latest day and
    note."""

    reason = forms.CharField(
        required=False, max_length=500, help_text="Reason for the change, shown in the history."
    )

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        if self.instance.pk is None and bool(found.get("event")) == bool(found.get("subject")):
            raise ValidationError("Choose either an event or an offering to start the campaign.")
        return found

    def _post_clean(self) -> None:
        """The action validates what it makes; a campaign to be opened by an event has no subject
        here yet."""
        if self.instance.pk is not None:
            super()._post_clean()  # type: ignore[misc]


@admin.register(Campaign)
class CampaignAdmin(OrganisationRoleAdmin[Campaign]):
    form = CampaignForm
    list_display = ("title", "subject", "state", "due_on", "opened_at")
    list_select_related = ("subject__host",)
    list_filter = ("state",)
    search_fields = ("title", "subject__api_id")
    autocomplete_fields = ("event", "subject", "target")
    fields = ("title", "event", "subject", "target", "due_on", "note", "reason")
    actions = ("extend", "reschedule", "close")

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        for name in ("title", "event", "subject"):
            if name in form.base_fields:
                form.base_fields[name].required = change and name == "title"
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("event", "subject", "state_and_progress")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (
            self.fields
            if obj is None
            else (*self.fields[:-1], "state_and_progress", self.fields[-1])
        )

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Campaign | None:
        found: Campaign | None = super().get_object(request, object_id, from_field)
        if found is not None:
            # progress is always somebody's view
            found.seen_by = signed_in_user(request)  # type: ignore[attr-defined]
        return found

    @admin.display(description="progress")
    def state_and_progress(self, campaign: Campaign) -> str:
        user = campaign.seen_by  # type: ignore[attr-defined]
        found = campaign_progress(campaigns=[campaign.pk], user=user, on=day_of(now()))[campaign.pk]
        return (
            f"{campaign.get_state_display()}: {found.n_settled} of {found.n_tasks} tasks settled, "
            f"{found.n_overdue} overdue, {found.n_steps_done} of {found.n_steps} steps done"
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A campaign is closed, so that what was signed stays."""
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """What an action refuses is said on the form, and nothing of it is kept."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except ChangeConflictError as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        facts = form.cleaned_data
        given: dict[str, Any] = {name: facts.get(name) for name in ("target", "due_on")}
        words: dict[str, Any] = {
            name: facts.get(name) or "" for name in ("title", "note", "reason")
        }
        if change:
            change_campaign(campaign=obj, by=signed_in_user(request), **given, **words)
            return
        made = open_campaign(
            by=signed_in_user(request),
            at=now(),
            event=facts.get("event"),
            offering=facts.get("subject"),
            **given,
            **words,
        )
        # the admin goes on with the campaign, which may have been open before
        obj.pk = made.pk
        obj.refresh_from_db()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Tasks come by opening."""

    @admin.action(description="Add dependencies that are affected by now", permissions=["change"])
    def extend(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        self._each(
            request,
            queryset,
            lambda campaign: extend_campaign(
                campaign=campaign, at=now(), by=signed_in_user(request)
            ),
        )

    @admin.action(description="Recalculate all due dates", permissions=["change"])
    def reschedule(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        self._each(
            request,
            queryset,
            lambda campaign: reschedule_campaign(
                campaign=campaign, at=now(), by=signed_in_user(request)
            ),
        )

    @admin.action(description="Close campaigns without unsettled tasks", permissions=["change"])
    def close(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        self._each(
            request,
            queryset,
            lambda campaign: close_campaign(
                campaign=campaign, at=now(), by=signed_in_user(request)
            ),
        )

    def _each(self, request: HttpRequest, queryset: QuerySet[Campaign], action: Any) -> None:
        for campaign in queryset:
            try:
                outcome = action(campaign)
            except ChangeConflictError as refusal:
                self.message_user(request, f"{campaign}: {refusal}", messages.ERROR)
            else:
                done = (
                    f"{outcome} tasks"
                    if isinstance(outcome, int)
                    else outcome.get_state_display().lower()
                )
                self.message_user(request, f"{campaign}: {done}.")


class TaskStepInline(admin.TabularInline):  # type: ignore[type-arg]
    model = TaskStep
    extra = 0
    can_delete = False
    fields = readonly_fields = ("place", "title", "required", "done_on", "done_by", "note")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "can_read_all", False))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_add_permission


@admin.register(CampaignTask)
class CampaignTaskAdmin(ReadOnlyAdmin[CampaignTask]):
    list_display = ("campaign", "dependency", "owner", "state", "due_on", "waived_until")
    list_select_related = ("campaign", "dependency__application", "owner")
    list_filter = ("state",)
    search_fields = ("campaign__title", "dependency__application__name")
    inlines = (TaskStepInline,)
