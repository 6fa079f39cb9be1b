"""What people and teams' mailboxes are not mailed about until a day."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.alerts import actions
from apps.alerts.filters import MuteFilter
from apps.alerts.models import KINDS, Mute
from apps.api.alerts.base import LATEST_FIRST, errors_as_problems
from apps.api.framework.row_reader import ComputedField
from apps.api.framework.views import ReadViewSet, row_reader_for
from apps.api.inventory.applications import VisibleApplicationField, VisibleTeamField, today
from apps.catalog.models import Offering, Provider
from apps.common.time import now
from apps.inventory.models import Application


class MuteSerializer(serializers.ModelSerializer[Mute]):
    user = serializers.CharField(
        source="user.username", read_only=True, allow_null=True, help_text="Whose mail."
    )
    team = serializers.CharField(
        source="team.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug; the mail to this team's mailbox.",
    )
    kind = serializers.ChoiceField(choices=list(KINDS.items()), read_only=True, allow_blank=True)
    provider = serializers.CharField(
        source="provider.slug", read_only=True, allow_null=True, help_text="Slug."
    )
    application = serializers.CharField(
        source="application_seen",
        read_only=True,
        allow_null=True,
        help_text="Slug; null where it is not yours to see.",
    )
    holds = serializers.BooleanField(source="until", read_only=True, help_text="Today.")
    created_by = serializers.CharField(source="created_by.username", read_only=True)

    class Meta:
        model = Mute
        fields = [
            "id",
            "user",
            "team",
            "kind",
            "provider",
            "offering",
            "application",
            "subject",
            "until",
            "holds",
            "reason",
            "created_by",
            "created_at",
            "lifted_at",
        ]
        read_only_fields = fields


class MakeMuteSerializer(serializers.Serializer[Any]):
    """All that is named must hold of an alert for its mail to be kept back; at least one thing
    is."""

    until = serializers.DateField(help_text="First day it no longer holds; within a year.")
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=300)
    team = VisibleTeamField(
        slug_field="slug",
        queryset=Team.objects.none(),
        required=False,
        help_text="Mute the mailbox of this team, as one of its editors, and not your own mail.",
    )
    kind = serializers.ChoiceField(choices=list(KINDS.items()), required=False)
    provider = serializers.SlugRelatedField(
        slug_field="slug",
        queryset=Provider.objects.all(),
        required=False,
        help_text="Slug; as host or developer.",
    )
    offering = serializers.PrimaryKeyRelatedField(
        queryset=Offering.objects.all(), required=False, help_text="Id."
    )
    application = VisibleApplicationField(
        slug_field="slug",
        queryset=Application.objects.none(),
        required=False,
        help_text="Slug; alerts that concern this application alone.",
    )
    subject = serializers.CharField(
        required=False, max_length=80, help_text="`subject` of an alert."
    )


class MuteViewSet(ReadViewSet[Mute]):
    """One's own, and those of the mailboxes of one's teams. The alerts stand on the page all the
    same; those that still wait when a mute ends are mailed then."""

    is_personal = True
    model = Mute
    serializer_class = MuteSerializer
    filterset_class = MuteFilter
    orders = LATEST_FIRST
    computed = {
        "holds": ComputedField(
            ("until", "lifted_at"), lambda until, lifted: lifted is None and today() < until
        )
    }

    def get_queryset(self) -> QuerySet[Mute]:
        mutes = super().get_queryset()
        return (
            mutes
            if getattr(self, "swagger_fake_view", False)
            else load_application(mutes, self.user)
        )

    @extend_schema(request=MakeMuteSerializer, responses={201: MuteSerializer})
    def create(self, request: Request) -> Response:
        """Keep mail about something back until a day: your own, or (for editors) that to a team's
        mailbox."""
        asked = self.validated(MakeMuteSerializer)
        team = asked.pop("team", None)
        if team is not None:
            self.require(TeamRole.EDITOR, team)
        if not any(
            asked.get(name) for name in ("kind", "provider", "offering", "application", "subject")
        ):
            raise serializers.ValidationError(
                "Say what to mute: a kind, a provider, an offering, an application or a subject."
            )
        with errors_as_problems("until"):
            made = actions.create_mute(by=self.user, team=team, at=now(), **asked)
        return self.answer(made, status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=MuteSerializer)
    @action(detail=True, methods=["post"])
    def unmute(self, request: Request, pk: str) -> Response:
        """Let mail through again; for whom it holds, editors of its team and governance. Doing it
        twice changes nothing. What still waits is mailed with the next digest."""
        mute = self.subject()
        actions.end_mute(mute=mute, by=self.user, at=now())
        return self.answer(mute)


def load_application(mutes: QuerySet[Mute], user: User) -> QuerySet[Mute]:
    """A team's application may have become another team's since it was muted."""
    seen = Application.objects.visible_to(user).filter(pk=OuterRef("application")).values("slug")
    return mutes.annotate(application_seen=Subquery(seen[:1]))


def mute_body(mute: Mute, user: User) -> dict[str, Any]:
    """A mute just made, as its address would answer."""
    reader = row_reader_for(MuteViewSet, MuteSerializer)
    found = reader.select(
        load_application(Mute.objects.filter(pk=mute.pk), user), reader.names
    ).get()
    return reader.rows([found], reader.names)[0]
