from django.apps import AppConfig


class StackConfig(AppConfig):
    name = "dealops.stack"
    label = "stack"
    verbose_name = "Running"
