"""Jobs: bulk changes under way and what became of them."""

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.bulk.jobs import cancel_job, resume_job
from apps.api.bulk.views import RETRY_AFTER_SECONDS, JobSerializer
from apps.api.framework.problems import ConflictError
from apps.api.framework.views import ReadViewSet
from apps.api.models import Job
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import now
from apps.inventory.bulk.resources import BULK_RESOURCES


class JobFilter(django_filters.FilterSet):  # type: ignore[misc]
    state = django_filters.MultipleChoiceFilter(choices=Job.State.choices, label="State")
    resource = django_filters.ChoiceFilter(
        choices=[(name, name) for name in BULK_RESOURCES], label="Resource"
    )

    class Meta:
        model = Job
        fields: list[str] = []


class JobViewSet(ReadViewSet[Job]):
    """Bulk changes too large for one request, latest first: one's own; every office sees all. Kept
    for a month."""

    model = Job
    serializer_class = JobSerializer
    filterset_class = JobFilter
    orders = {"-id": Keyset(("-id",)), "id": Keyset(("id",))}

    def retrieve(self, request: Request, pk: str) -> Response:
        """How far it is. While it is under way, `Retry-After` says when to look again."""
        response = super().retrieve(request, pk=pk)
        if response.data.get("state") in Job.OPEN:
            response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response

    @extend_schema(request=None, responses=JobSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Give it up, as long as no worker has begun with it."""
        job = self.subject()
        if not cancel_job(job, at=now()):
            raise ConflictError("It has begun already. What it did can be undone by its `change`.")
        return self.answer(job)

    @extend_schema(request=None, responses=JobSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Have a worker go on with the rest of a job that failed; what is done stays done."""
        job = self.subject()
        if job.by_id != self.user.pk and not self.user.is_governance:
            raise PermissionDenied(
                "Only who sent the rows, or governance, may have them worked through."
            )
        if not resume_job(job):
            raise ConflictError(
                "Only a job that failed and has rows left can be resumed. Send the rows again."
            )
        return self.answer(job)
