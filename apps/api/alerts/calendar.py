"""The calendar, and secret URLs of the calendar and of feeds (apps/api/alerts/secret_feeds.py)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.cache import patch_cache_control
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.alerts.calendar.feed import build_calendar
from apps.alerts.models import CalendarFeed
from apps.alerts.preferences import FEED_ROUTES, create_calendar_feed, revoke_calendar_feed
from apps.api.alerts.base import LATEST_FIRST
from apps.api.framework.json_renderer import FastJSONRenderer
from apps.api.framework.views import ReadViewSet, RegistryView
from apps.common.time import now

# calendar clients poll every few minutes to hours, and each poll would be one write
LAST_USED_PRECISION = timedelta(hours=1)


class CalendarRenderer(FastJSONRenderer):
    """The calendar as iCalendar text; errors as JSON."""

    media_type = "text/calendar"
    format = "ics"
    charset = "utf-8"  # type: ignore[assignment]

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return (
            data
            if isinstance(data, bytes)
            else super().render(data, accepted_media_type, renderer_context)
        )


def calendar_response(user: User) -> Response:
    return Response(
        build_calendar(user, at=now()),
        headers={"Content-Disposition": 'inline; filename="foundation-registry.ics"'},
    )


class CalendarView(RegistryView):
    """The calendar of the caller, as iCalendar."""

    renderer_classes = [CalendarRenderer]

    @extend_schema(
        operation_id="calendar",
        summary="Calendar of retirement and due dates",
        responses={(200, "text/calendar"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> Response:
        """Retirement dates of models that applications you can view depend on; expiry dates of exit
        tests, acceptances, waivers and approvals; due dates of reviews and treatments. RFC 5545,
        one all-day event each."""
        return calendar_response(self.user)


# --- secret URLs ----------------------------------------------------------------------------------


class CalendarFeedSerializer(serializers.ModelSerializer[CalendarFeed]):
    name = serializers.CharField(required=False, allow_blank=True, default="", max_length=100)
    kind = serializers.ChoiceField(
        choices=CalendarFeed.Kind.choices,
        required=False,
        default=CalendarFeed.Kind.CALENDAR,
        help_text="Content of the URL: the calendar as iCalendar, or alerts or catalogue "
        "events as an Atom feed.",
    )

    class Meta:
        model = CalendarFeed
        fields = ["id", "kind", "name", "prefix", "created_at", "revoked_at", "last_used_at"]
        read_only_fields = ["id", "prefix", "created_at", "revoked_at", "last_used_at"]


class NewCalendarFeedSerializer(CalendarFeedSerializer):
    url = serializers.URLField(
        read_only=True,
        help_text="Secret URL for the calendar or feed reader. Shown only in this answer.",
    )

    class Meta(CalendarFeedSerializer.Meta):
        fields = [*CalendarFeedSerializer.Meta.fields, "url"]


class CalendarFeedViewSet(ReadViewSet[CalendarFeed]):
    """Secret URLs of your calendar and feeds, for clients that cannot sign in. A client with the
    URL can read what you can view."""

    is_personal = True
    model = CalendarFeed
    serializer_class = CalendarFeedSerializer
    orders = LATEST_FIRST

    @extend_schema(responses={201: NewCalendarFeedSerializer})
    def create(self, request: Request) -> Response:
        """Create a secret URL. Only this answer contains it."""
        feed, secret = create_calendar_feed(
            user=self.user, **self.validated(CalendarFeedSerializer)
        )
        response = self.answer(feed, status.HTTP_201_CREATED)
        response.data["url"] = settings.PUBLIC_URL + reverse(FEED_ROUTES[feed.kind], args=[secret])
        patch_cache_control(response, no_store=True)
        return response

    @extend_schema(request=None, responses=CalendarFeedSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """Revoke the URL immediately. Repeating the request changes nothing."""
        feed = self.subject()
        revoke_calendar_feed(feed=feed, by=self.user, at=now())
        return self.answer(feed)
