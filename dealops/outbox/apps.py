from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "dealops.outbox"
    label = "outbox"
    verbose_name = "Outbox"
