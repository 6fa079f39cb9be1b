"""The Django admin as an app, with a site that writes nothing. It is no part of apps.py, because
Django would take it for the configuration of the accounts."""

from django.contrib.admin.apps import AdminConfig


class ReadOnlyAdminConfig(AdminConfig):
    default_site = "apps.accounts.admin_site.ReadOnlyAdminSite"
