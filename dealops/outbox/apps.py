from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "dealops.outbox"
    label = "outbox"
    verbose_name = "Outbox"

    def ready(self) -> None:
        from celery.signals import after_task_publish

        from dealops.outbox import pulse

        # Only beat publishes this one.
        after_task_publish.connect(pulse.clock_struck, sender="dealops.outbox.tasks.sweep", dispatch_uid="clock struck")
