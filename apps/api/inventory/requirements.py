"""Requirements of a dependency: what it is declared to use, and what was observed."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.roles import TeamRole
from apps.api.framework.validation import validate_data
from apps.api.framework.views import RegistryView
from apps.api.inventory.applications import ReasonMixin
from apps.catalog.capabilities.fields import CAPABILITY_FIELDS, LIMIT, MAX_LIMIT
from apps.inventory.actions.locks import lock_teams_of
from apps.inventory.actions.requirements import declare_requirements
from apps.inventory.models import Dependency, Requirement
from apps.inventory.queries import last_declaration_id
from apps.inventory.requirement_values import DECLARABLE_FIELDS
from apps.inventory.requirements import needs_of


class DeclaredRequirementsSerializer(serializers.Serializer[Any]):
    """Declared requirements by field: used, not used, or a number of tokens. A field that is absent
    or null is not declared."""

    def get_fields(self) -> dict[str, Any]:
        return {
            key: serializers.IntegerField(
                min_value=1,
                max_value=MAX_LIMIT,
                required=False,
                allow_null=True,
                help_text=f"{field.label} that is needed, in tokens.",
            )
            if field.form == LIMIT
            else serializers.BooleanField(
                required=False,
                allow_null=True,
                help_text=f"{field.label}: true if it is used, false if it is not.",
            )
            for key, field in DECLARABLE_FIELDS.items()
        }


class ObservedRequirementSerializer(serializers.Serializer[Any]):
    field = serializers.ChoiceField(
        choices=[(field.key, field.label) for field in CAPABILITY_FIELDS.values()]
    )
    value = serializers.JSONField(
        help_text="True, a number of tokens (the largest one), or a list of modalities."
    )
    first_seen_on = serializers.DateField(allow_null=True)
    last_seen_on = serializers.DateField(
        allow_null=True, help_text="Last day of use; of a number, the day on which it was reached."
    )
    n_requests = serializers.IntegerField(
        allow_null=True, help_text="Requests of the last 90 days that were recorded with it."
    )
    contradicts_declaration = serializers.BooleanField(
        help_text="Whether it is declared as not used."
    )


class RequirementsSerializer(serializers.Serializer[Any]):
    declared = DeclaredRequirementsSerializer()
    observed = ObservedRequirementSerializer(many=True)
    needed = serializers.DictField(
        child=serializers.JSONField(),
        help_text="Requirements that candidates are compared with: the larger of the declared and "
        "the observed value by field.",
    )


class DeclareRequirementsSerializer(ReasonMixin):
    declared = DeclaredRequirementsSerializer(
        help_text="All declared requirements; those that are not sent are removed."
    )


class ChangedRequirementsSerializer(RequirementsSerializer):
    change = serializers.UUIDField(
        allow_null=True,
        help_text="ID of the last change of what is declared, to undo it with POST "
        "changes/{change}/undo/.",
    )


class RequirementsView(RegistryView):
    """Requirements of one dependency. If-Match with the ETag of the answer to GET refuses a change
    of what another user has changed since."""

    reads = ()

    @extend_schema(operation_id="dependencies_requirements", responses=RequirementsSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Requirements of the dependency, declared and observed. Absence of an observation does not
        prove that a capability is not used."""
        return Response(_requirements_body(self._load_dependency(pk)))

    @extend_schema(
        operation_id="dependencies_requirements_set",
        request=DeclareRequirementsSerializer,
        responses=ChangedRequirementsSerializer,
    )
    def put(self, request: Request, pk: int) -> Response:
        """Replace the declared requirements; observed ones stay. Requires the editor role on the
        application's team."""
        dependency = self._load_dependency(pk)
        self.require(TeamRole.EDITOR, dependency.application.team)
        sent: Any = request.data
        body = validate_data(DeclareRequirementsSerializer(data=sent))
        # names of fields that do not exist are looked for in one object at a time
        validate_data(DeclaredRequirementsSerializer(data=sent["declared"]))
        declare_requirements(
            dependency=dependency,
            values=body["declared"],
            by=self.user,
            reason=body.get("reason", ""),
        )
        return Response(
            {**_requirements_body(dependency), "change": last_declaration_id(dependency)}
        )

    def lock(self, **kwargs: Any) -> None:
        """Lock the application of the dependency, as the action does."""
        visible = Dependency.objects.visible_to(self.user).filter(pk=kwargs["pk"])
        lock_teams_of(visible.values_list("application", flat=True))

    def _load_dependency(self, pk: int) -> Dependency:
        dependency = (
            Dependency.objects.visible_to(self.user)
            .select_related("application__team")
            .filter(pk=pk)
            .first()
        )
        if dependency is None:
            raise Http404
        return dependency


def _requirements_body(dependency: Dependency) -> dict[str, Any]:
    rows = list(dependency.requirements.all())
    declared = {row.field: row.value for row in rows if row.origin == Requirement.Origin.DECLARED}
    observed = {row.field: row for row in rows if row.origin == Requirement.Origin.OBSERVED}
    needed = needs_of([dependency.pk]).get(dependency.pk, {})
    return {
        "declared": {field: declared[field] for field in CAPABILITY_FIELDS if field in declared},
        "observed": [
            {
                "field": field,
                "value": observed[field].value,
                "first_seen_on": observed[field].first_seen_on,
                "last_seen_on": observed[field].last_seen_on,
                "n_requests": observed[field].n_requests,
                "contradicts_declaration": declared.get(field) is False,
            }
            for field in CAPABILITY_FIELDS
            if field in observed
        ],
        "needed": dict(needed),
    }
