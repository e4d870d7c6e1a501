"""Makes our AdminSite the default one of the project."""

from django.contrib.admin import apps


class AdminConfig(apps.AdminConfig):
    default_site = "dealops.admin_site.AdminSite"
