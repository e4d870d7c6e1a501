import logging
import time
from typing import Any

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "dealops.accounts"
    label = "accounts"
    verbose_name = "People"

    def ready(self) -> None:
        """Sessions begin when somebody signs in, by whichever way; sign-ins and factors are in the security log (ASVS 16.3)."""
        from allauth.mfa import signals as mfa
        from django.contrib.auth.signals import user_logged_in, user_logged_out

        user_logged_in.connect(_begin, dispatch_uid="dealops.session_begins")
        user_logged_out.connect(_log("logout"), weak=False, dispatch_uid="dealops.logout")
        mfa.authenticator_added.connect(_log("factor.added"), weak=False, dispatch_uid="dealops.factor_added")
        mfa.authenticator_removed.connect(_log("factor.removed"), weak=False, dispatch_uid="dealops.factor_removed")
        mfa.authenticator_reset.connect(_log("codes.new"), weak=False, dispatch_uid="dealops.codes_new")
        mfa.authentication_failed.connect(_log("factor.failed"), weak=False, dispatch_uid="dealops.factor_failed")


def _begin(sender: Any, request: Any, user: Any, **_: Any) -> None:
    from allauth.usersessions.models import UserSession

    from dealops.accounts.middleware import begin

    begin(request.session, at=time.time())
    # A session without an address is a program's that borrowed a log-in, as in a shell.
    if request.META.get("REMOTE_ADDR"):
        UserSession.objects.create_from_request(request)
    _log("login")(sender, user=user)


def _log(event: str) -> Any:
    def note(sender: Any, user: Any = None, **_: Any) -> None:
        logging.getLogger("dealops.security").info(event, extra={"event": event, "user_id": getattr(user, "pk", None)})

    return note
