"""URLs of SAML, below those of the library."""

from django.urls import include, path

from apps.accounts.single_sign_on.saml_views import (
    saml_finish,
    saml_login,
    saml_metadata,
    saml_response,
)

saml_routes = [
    path("sign-on/saml/", saml_login, name="login"),
    path("sign-on/saml/acs/", saml_response, name="response"),
    path("sign-on/saml/finish/", saml_finish, name="finish"),
    path("sign-on/saml/metadata/", saml_metadata, name="metadata"),
]
# passed as a pair, because the library includes only the list and would ignore an `app_name`
urlpatterns = [path("", include((saml_routes, "saml")))]
