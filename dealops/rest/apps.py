from django.apps import AppConfig


class RestConfig(AppConfig):
    name = "dealops.rest"
    label = "rest"
    verbose_name = "REST API"
