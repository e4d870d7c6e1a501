from django.apps import AppConfig


class ExpansionConfig(AppConfig):
    name = "expansion"
    verbose_name = "Expansion"

    def ready(self) -> None:
        from expansion import handlers

        handlers.register()
