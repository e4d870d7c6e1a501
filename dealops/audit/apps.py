from django.apps import AppConfig
from django.db.backends.signals import connection_created


class AuditConfig(AppConfig):
    name = "dealops.audit"
    label = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        from dealops.audit.history_context import listen

        connection_created.connect(listen, dispatch_uid="dealops.audit.history")
