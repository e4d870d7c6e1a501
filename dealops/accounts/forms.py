"""The log-in form, friendly to password managers."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm as AllauthLoginForm


class LoginForm(AllauthLoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "E-mail"
        self.fields["login"].widget.attrs = {"autocomplete": "username", "class": "do-input"}
        self.fields["password"].widget.attrs = {"autocomplete": "current-password", "class": "do-input"}
        self.fields["password"].help_text = ""
