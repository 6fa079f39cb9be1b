from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponseRedirect
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from apps.api.alerts.secret_feeds import SecretAlertsView, SecretCalendarView, SecretChangesView
from apps.api.mcp.view import McpView
from apps.api.metrics import MetricsView
from apps.api.telemetry.otlp import TracesIngestView
from apps.web.views.settings import email_address


@login_not_required
def icon(request: HttpRequest) -> HttpResponseRedirect:
    return HttpResponseRedirect(static("web/mark.svg"))


# the admin asks for the second factor and is throttled like every other login
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

# problem details under /api/, the page elsewhere
handler400 = "apps.api.framework.problems.bad_request"
handler404 = "apps.api.framework.problems.page_not_found"
handler500 = "apps.api.framework.problems.server_error"

# where Langfuse's SDK sends traces: the path it adds to its base URL, with and without /otlp at its
# end
langfuse_routes = [
    path("otlp/api/public/otel/v1/traces", TracesIngestView.as_view(), name="traces"),
    path("api/public/otel/v1/traces", TracesIngestView.as_view(), name="traces-at-root"),
]
# read by programs of calendars and feeds, which cannot sign in
secret_feed_routes = [
    path("calendar/<str:secret>.ics", SecretCalendarView.as_view(), name="calendar"),
    path("atom/alerts/<str:secret>.atom", SecretAlertsView.as_view({"get": "list"}), name="alerts"),
    path(
        "atom/changes/<str:secret>.atom", SecretChangesView.as_view({"get": "list"}), name="changes"
    ),
]
program_routes = [path("mcp", McpView.as_view(), name="mcp")]
monitoring_routes = [path("metrics", MetricsView.as_view(), name="metrics")]

urlpatterns = [
    # /healthz and /readyz are answered by apps.common.requests.health.ProbeMiddleware
    path("admin/", admin.site.urls),
    # before the library's pages of these addresses, which would change an address unconfirmed, and
    # give an account of single sign-on a password
    path("accounts/email/", email_address.change_email, name="account_email"),
    path("accounts/password/set/", email_address.set_password, name="account_set_password"),
    # sessions are listed on the account page
    path(
        "accounts/sessions/",
        RedirectView.as_view(pattern_name="account:detail"),
        name="usersessions_list",
    ),
    path("accounts/", include("allauth.urls")),
    path("api/", include("apps.api.urls")),
    # the address OpenTelemetry's exporters are given
    path("otlp/v1/", include("apps.api.telemetry.urls")),
    # users and groups of an identity provider
    path("scim/v2/", include("apps.api.provisioning.urls")),
    path("", include((langfuse_routes, "langfuse"))),
    path("", include((monitoring_routes, "monitoring"))),
    path("", include((program_routes, "programs"))),
    path("", include((secret_feed_routes, "secret-feeds"))),
    # for the pages that are not ours and name no icon: admin, REST documentation
    path("favicon.ico", icon),
    path("", include("apps.web.urls")),
]
