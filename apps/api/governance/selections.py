"""Selection records: candidates, criteria, scores, and the decision with the facts of its date."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.file_responses import FileRows
from apps.api.framework.validation import validate_data
from apps.api.framework.views import BY_ID
from apps.api.governance.base import GovernedViewSet
from apps.api.inventory.applications import ReasonMixin
from apps.catalog.models import Foundation, Offering
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import now
from apps.exposure.diligence.scorecard_facts import visible_scorecard
from apps.exposure.diligence.selection_decisions import decide_with_scorecards
from apps.inventory.governance import selections
from apps.inventory.governance.filters import SelectionFilter
from apps.inventory.models import Selection, SelectionCandidate


class CriterionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)
    weight = serializers.DecimalField(12, 4, default=Decimal(1))
    note = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    fact = serializers.CharField(
        required=False,
        max_length=60,
        help_text="Key of the scorecard fact that the criterion shows for each candidate.",
    )
    needed = serializers.JSONField(
        required=False,
        help_text="Needed value of a capability: true, a number or a list of names.",
    )


class SelectionSerializer(serializers.ModelSerializer[Selection]):
    criteria = CriterionSerializer(many=True, read_only=True)
    decided_by = serializers.CharField(
        source="decided_by.username", read_only=True, allow_null=True
    )
    created_by = serializers.CharField(source="created_by.username", read_only=True)

    class Meta:
        model = Selection
        fields = [
            "id",
            "title",
            "purpose",
            "criteria",
            "state",
            "decision",
            "reason",
            "decided_by",
            "decided_on",
            "review_on",
            "supersedes",
            "created_by",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


class SelectionCandidateSerializer(serializers.ModelSerializer[SelectionCandidate]):
    foundation = serializers.CharField(
        source="foundation.slug", read_only=True, help_text="Slug of the foundation."
    )
    host = serializers.CharField(
        source="offering.host.slug", read_only=True, allow_null=True, default=None
    )
    scores = serializers.DictField(
        read_only=True, help_text="Scores entered by users, as {criterion: {value, note}}."
    )
    weighted_total = serializers.SerializerMethodField(
        help_text="Weighted total of the scores; null while a criterion has no score."
    )
    scorecard = serializers.SerializerMethodField(
        help_text="Facts on the date of the decision, as {foundation, host}; null before."
    )

    class Meta:
        model = SelectionCandidate
        fields = [
            "id",
            "foundation",
            "offering",
            "host",
            "chosen",
            "scores",
            "weighted_total",
            "scorecard",
            "note",
        ]
        read_only_fields = fields

    def get_weighted_total(self, candidate: SelectionCandidate) -> float | None:
        total = selections.weighted_total(candidate.selection, candidate)
        return None if total is None else float(total)

    def get_scorecard(self, candidate: SelectionCandidate) -> dict[str, Any]:
        user = self.context["request"].user
        return {
            name: visible_scorecard(card, user) if card else None
            for name, card in candidate.scorecard.items()
        }


class DraftSelectionSerializer(ReasonMixin):
    title = serializers.CharField(max_length=200)
    purpose = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    criteria = CriterionSerializer(many=True, required=False)
    supersedes = serializers.PrimaryKeyRelatedField(
        queryset=Selection.objects.all(),
        required=False,
        help_text="ID of the selection record that this one replaces.",
    )


class SelectionChangeSerializer(ReasonMixin):
    title = serializers.CharField(required=False, max_length=200)
    purpose = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    criteria = CriterionSerializer(many=True, required=False)


class AddCandidateSerializer(serializers.Serializer[Any]):
    foundation = serializers.SlugRelatedField(
        slug_field="slug", queryset=Foundation.objects.all(), help_text="Slug of the foundation."
    )
    offering = serializers.PrimaryKeyRelatedField(
        queryset=Offering.objects.select_related("version__foundation"),
        required=False,
        help_text="ID of an offering: the foundation on this host.",
    )
    note = serializers.CharField(required=False, allow_blank=True, max_length=10_000)


class CandidateScoreSerializer(serializers.Serializer[Any]):
    value = serializers.DecimalField(12, 4)
    note = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class _SelectionBodySerializer(ReasonMixin):
    """A body with candidates of the selection in the URL."""

    def candidates(self, ids: list[int]) -> list[SelectionCandidate]:
        candidates_by_id = SelectionCandidate.objects.filter(
            selection=self.context["selection"]
        ).in_bulk(ids)
        if unknown_ids := [pk for pk in ids if pk not in candidates_by_id]:
            raise serializers.ValidationError(
                f"Candidate {unknown_ids[0]} is not part of this selection record. Use the ID "
                "of one of its candidates."
            )
        return [candidates_by_id[pk] for pk in ids]


class OneCandidateSerializer(_SelectionBodySerializer):
    candidate = serializers.IntegerField(min_value=1, help_text="ID of the candidate.")

    def validate_candidate(self, pk: int) -> SelectionCandidate:
        return self.candidates([pk])[0]


class JudgeCandidateSerializer(OneCandidateSerializer):
    scores = serializers.DictField(
        child=CandidateScoreSerializer(), help_text="Scores, as {criterion: {value, note}}."
    )


class DecideSelectionSerializer(_SelectionBodySerializer):
    chosen = serializers.ListField(
        child=serializers.IntegerField(min_value=1),
        max_length=selections.MAX_CANDIDATES,
        help_text="IDs of the chosen candidates; empty for none of them.",
    )
    decision = serializers.CharField(max_length=10_000)
    why = serializers.CharField(max_length=10_000)
    review_on = serializers.DateField(required=False)

    def validate_chosen(self, ids: list[int]) -> list[SelectionCandidate]:
        return self.candidates(ids)


class SelectionViewSet(GovernedViewSet[Selection]):
    """Selection records: which foundation was chosen for what. All users can read them; governance
    users write them until they are decided."""

    model = Selection
    serializer_class = SelectionSerializer
    filterset_class = SelectionFilter
    orders = {"-id": Keyset(("-id",)), "id": BY_ID}
    files = {"candidates": FileRows(SelectionCandidateSerializer)}

    @extend_schema(request=DraftSelectionSerializer, responses={201: SelectionSerializer})
    def create(self, request: Request) -> Response:
        """Create a draft. Requires the governance role."""
        self.require_governance()
        draft = selections.draft_selection(by=self.user, **self.validated(DraftSelectionSerializer))
        return self.answer(draft, status.HTTP_201_CREATED)

    @extend_schema(request=SelectionChangeSerializer, responses=SelectionSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the title, purpose or criteria of a draft. Requires the governance role."""
        selection = self.governed("created_by")
        data = self.validated(SelectionChangeSerializer)
        return self.answer(selections.change_selection(selection=selection, by=self.user, **data))

    @extend_schema(responses=SelectionCandidateSerializer(many=True), parameters=[], filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None, picks_fields=False)
    def candidates(self, request: Request, pk: str) -> Response:
        """Candidates with their scores and, once decided, the facts of that date."""
        rows = (
            SelectionCandidate.objects.filter(selection=self.subject("created_by"))
            .select_related("selection", "foundation", "offering__host")
            .order_by("pk")
        )
        return Response(
            SelectionCandidateSerializer(
                rows, many=True, context=self.get_serializer_context()
            ).data
        )

    @extend_schema(request=AddCandidateSerializer, responses={201: SelectionCandidateSerializer})
    @action(detail=True, methods=["post"], url_path="add-candidate")
    def add_candidate(self, request: Request, pk: str) -> Response:
        selection = self.governed("created_by")
        candidate = selections.add_candidate(
            selection=selection, by=self.user, **self.validated(AddCandidateSerializer)
        )
        return self._candidate_response(candidate, status.HTTP_201_CREATED)

    @extend_schema(request=JudgeCandidateSerializer, responses=SelectionCandidateSerializer)
    @action(detail=True, methods=["post"])
    def score(self, request: Request, pk: str) -> Response:
        """Score a candidate by the criteria."""
        selection = self.governed("created_by")
        return self._candidate_response(
            selections.score_candidate(
                by=self.user, **self._validate_body(JudgeCandidateSerializer, selection)
            )
        )

    @extend_schema(request=OneCandidateSerializer, responses=SelectionSerializer)
    @action(detail=True, methods=["post"], url_path="remove-candidate")
    def remove_candidate(self, request: Request, pk: str) -> Response:
        selection = self.governed("created_by")
        selections.remove_candidate(
            by=self.user, **self._validate_body(OneCandidateSerializer, selection)
        )
        return self.answer(selection)

    @extend_schema(request=DecideSelectionSerializer, responses=SelectionSerializer)
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, pk: str) -> Response:
        """Decide, and store the scorecards of today. A decided selection record cannot be
        changed."""
        selection = self.governed("created_by")
        data = self._validate_body(DecideSelectionSerializer, selection)
        data.pop("reason", None)
        return self.answer(
            decide_with_scorecards(selection=selection, at=now(), by=self.user, **data)
        )

    def _validate_body(
        self, serializer_class: type[_SelectionBodySerializer], selection: Selection
    ) -> dict[str, Any]:
        serializer = serializer_class(
            data=self.request.data,
            context={**self.get_serializer_context(), "selection": selection},
        )
        return dict(validate_data(serializer))

    def _candidate_response(
        self, candidate: SelectionCandidate, code: int = status.HTTP_200_OK
    ) -> Response:
        row = SelectionCandidate.objects.select_related(
            "selection", "foundation", "offering__host"
        ).get(pk=candidate.pk)
        return Response(
            SelectionCandidateSerializer(row, context=self.get_serializer_context()).data,
            status=code,
        )
