"""Calendar and feeds at secret URLs, for clients that cannot sign in."""

from typing import Any, ClassVar

from django.db.models import Q
from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.authentication import BaseAuthentication
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.alerts.models import CalendarFeed
from apps.alerts.preferences import feed_secret_hash
from apps.api.alerts.alerts import AlertViewSet
from apps.api.alerts.calendar import LAST_USED_PRECISION, CalendarRenderer, calendar_response
from apps.api.catalog.catalog import ProviderEventViewSet
from apps.api.framework.throttles import WindowThrottle
from apps.api.framework.views import ReadViewSet, RegistryView
from apps.common.time import now

SecretKind = CalendarFeed.Kind


class AddressThrottle(WindowThrottle):
    """A limit per secret URL, so that clients behind one proxy do not share it."""

    scope = "anonymous"

    def key(self, request: Request) -> str | None:
        return f"c{feed_secret_hash(request.parser_context['kwargs']['secret'])[:32]}"


class SecretAddressView(BaseAuthentication):
    """The owner of the secret URL; 404 if it is unknown, revoked or of another kind, or if the
    account is closed."""

    def authenticate(self, request: Request) -> tuple[User, None]:
        """Return the user of the secret URL and record its use; 404 for an unknown or revoked
        one."""
        context = request.parser_context
        # the digest is looked up, not the secret, so that the duration of the look-up reveals
        # nothing about the secret
        feed = (
            CalendarFeed.objects.select_related("user")
            .filter(
                digest=feed_secret_hash(context["kwargs"]["secret"]),
                kind=context["view"].address_kind,
                revoked_at=None,
                user__is_active=True,
            )
            .first()
        )
        if feed is None:
            raise Http404
        moment = now()
        stale = Q(last_used_at=None) | Q(last_used_at__lte=moment - LAST_USED_PRECISION)
        CalendarFeed.objects.filter(stale, pk=feed.pk).update(last_used_at=moment)
        return feed.user, None


class SecretCalendarView(RegistryView):
    """The calendar at a secret URL."""

    authentication_classes = [SecretAddressView]
    permission_classes = []
    throttle_classes = [AddressThrottle]
    renderer_classes = [CalendarRenderer]
    address_kind = SecretKind.CALENDAR

    @extend_schema(exclude=True)
    def get(self, request: Request, secret: str) -> Response:
        return calendar_response(self.user)


class _SecretFeed(ReadViewSet[Any]):
    """The list of a resource as an Atom feed only, with the filters of the list."""

    authentication_classes = [SecretAddressView]
    permission_classes = []
    throttle_classes = [AddressThrottle]
    address_kind: ClassVar[str]

    def get_renderers(self) -> list[BaseRenderer]:
        return [renderer() for renderer in self.feed_renderers]


@extend_schema_view(list=extend_schema(exclude=True))
class SecretAlertsView(_SecretFeed, AlertViewSet):
    address_kind = SecretKind.ALERTS


@extend_schema_view(list=extend_schema(exclude=True))
class SecretChangesView(_SecretFeed, ProviderEventViewSet):
    address_kind = SecretKind.CHANGES
