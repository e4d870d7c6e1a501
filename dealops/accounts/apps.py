from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "dealops.accounts"
    label = "accounts"
    verbose_name = "People"
