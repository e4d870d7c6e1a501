from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "dealops.audit"
    label = "audit"
    verbose_name = "Audit"
