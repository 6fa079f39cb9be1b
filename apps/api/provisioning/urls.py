"""Routes under /scim/v2/, without a trailing slash, as RFC 7644 writes them."""

from django.urls import path, re_path

from apps.api.provisioning.base import NotImplementedView, UnknownView
from apps.api.provisioning.resources import (
    GroupListView,
    GroupView,
    ResourceTypeView,
    SchemaView,
    ServiceProviderConfigView,
    UserListView,
    UserView,
)

app_name = "scim"
urlpatterns = [
    path("ServiceProviderConfig", ServiceProviderConfigView.as_view(), name="configuration"),
    path("ResourceTypes", ResourceTypeView.as_view(), name="resource-types"),
    path("ResourceTypes/<str:identifier>", ResourceTypeView.as_view(), name="resource-type"),
    path("Schemas", SchemaView.as_view(), name="schemas"),
    path("Schemas/<str:identifier>", SchemaView.as_view(), name="schema"),
    path("Users", UserListView.as_view(), name="users"),
    path("Users/<str:pk>", UserView.as_view(), name="user"),
    path("Groups", GroupListView.as_view(), name="groups"),
    path("Groups/<str:pk>", GroupView.as_view(), name="group"),
    re_path(r"^(?:Bulk|Me|\.search)$", NotImplementedView.as_view()),
    re_path(r"^.*$", UnknownView.as_view()),
]
