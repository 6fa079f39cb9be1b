"""URLs where single sign-on starts and returns, below those of the library."""

from allauth.account.internal.decorators import login_not_required
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.views import OAuth2LoginView
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import include, path
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.provider import SignOnAdapter, SignOnCallbackView


@login_not_required  # type: ignore[untyped-decorator]
@require_http_methods(["GET", "HEAD", "POST"])
def sign_on(request: HttpRequest) -> HttpResponseBase:
    """Redirect a POST to the provider; a GET shows a confirmation first, so that no other site can
    sign a user in."""
    try:
        return OAuth2LoginView.adapter_view(SignOnAdapter(request))(request)  # type: ignore[no-any-return]
    except SocialApp.DoesNotExist:
        raise Http404 from None


@login_not_required  # type: ignore[untyped-decorator]
@require_safe
def sign_on_callback(request: HttpRequest) -> HttpResponseBase:
    try:
        return SignOnCallbackView.adapter_view(SignOnAdapter(request))(request)  # type: ignore[no-any-return]
    except SocialApp.DoesNotExist:
        raise Http404 from None


sign_on_routes = [
    path("sign-on/", sign_on, name="login"),
    path("sign-on/callback/", sign_on_callback, name="callback"),
]
# passed as a pair, because the library includes only the list and would ignore an `app_name`
urlpatterns = [path("", include((sign_on_routes, "sso")))]
