"""Jobs: bulk changes in progress and their outcome."""

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.bulk.jobs import cancel_job, resume_job
from apps.api.bulk.views import RETRY_AFTER_SECONDS, JobSerializer
from apps.api.framework.problems import ApiConflictError
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
    """Bulk changes that were too large for one request, latest first: your own, or all of them for
    organisation roles. Kept for one month."""

    model = Job
    serializer_class = JobSerializer
    filterset_class = JobFilter
    orders = {"-id": Keyset(("-id",)), "id": Keyset(("id",))}

    def retrieve(self, request: Request, pk: str) -> Response:
        """Progress of a job. Until it ends, `Retry-After` states when to read it again."""
        response = super().retrieve(request, pk=pk)
        if response.data.get("state") in Job.OPEN:
            response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response

    @extend_schema(request=None, responses=JobSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel a job that has not started."""
        job = self.subject()
        if not cancel_job(job, at=now()):
            raise ApiConflictError(
                "The job has already started. Undo its changes with its `change`."
            )
        return self.answer(job)

    @extend_schema(request=None, responses=JobSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Continue a failed job with the rows that are left. Completed rows are kept."""
        job = self.subject()
        if job.by_id != self.user.pk and not self.user.is_governance:
            raise PermissionDenied(
                "Only the user who sent the rows or a governance user can resume this job."
            )
        if not resume_job(job):
            raise ApiConflictError(
                "Only a failed job with rows left can be resumed. Send the rows again."
            )
        return self.answer(job)
