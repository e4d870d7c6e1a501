"""How allauth behaves here: nobody signs up, guessing gets slow, secrets lie sealed, the company's sign-in brings known people."""

from __future__ import annotations

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest
from django.urls import get_resolver

from dealops.accounts import lockout, step_up
from dealops.accounts.models import Role, User
from dealops.accounts.sealing import seal, unseal

security = logging.getLogger("dealops.security")


class AccountAdapter(DefaultAccountAdapter):
    """People are invited by RevOps; nobody signs up by themselves."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": "Too many codes that did not fit. Wait five minutes, then try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_reauthentication_required(self, app: str) -> bool:
        """Changing how one signs in asks again, unless one has just signed in."""
        return not step_up.is_fresh(context.request)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """The second factor before the password: whoever set one up is asked for that first."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        return sorted(methods, key=lambda method: method["id"] == "reauthenticate")

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Raises ValidationError with the time to try again (F96)."""
        email, place = credentials.get("email", ""), self.get_client_ip(request)
        known = UserSession.objects.filter(user__email__iexact=email, ip=place).exists()
        self._counts = lockout.counts(email=email, place=place, known_place=known)
        wait = lockout.enter(self._counts)
        if wait:
            security.warning("sign-in held back", extra={"event": "login.held_back", "place": place})
            raise ValidationError(lockout.sentence(wait), code="held_back")

    def _rollback_login_failed_rl_usage(self) -> None:
        lockout.forgive(self._counts)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        security.warning("wrong password", extra={"event": "login.failed", "place": self.get_client_ip(request)})


class MfaAdapter(DefaultMFAAdapter):
    """Secrets of authenticator apps and seeds of recovery codes are sealed in the database."""

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)

    def get_totp_issuer(self) -> str:
        return "dealops"


class SocialAdapter(DefaultSocialAccountAdapter):
    """The company's sign-in (OIDC): for people we know by their confirmed e-mail, and for others only when a role is set."""

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        if sociallogin.is_existing:
            return
        claims = claims_of(sociallogin)
        email = str(claims.get("email") or "").strip()
        confirmed = claims.get("email_verified") is True or settings.OIDC_TRUST_EMAIL
        if not email or not confirmed:
            refuse(request, "Your company's sign-in did not confirm your e-mail. Ask the people who run it, or sign in with a password.")
        known = User.objects.filter(email__iexact=email).first()
        if known is not None:
            sociallogin.connect(request, known)
        elif role_for(claims) is None:
            refuse(request, f"{email} is not known here. Ask a RevOps colleague to add you, then sign in again.")

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return role_for(claims_of(sociallogin)) is not None

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin: Any) -> bool:
        return True

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> User:
        """A new person: name and e-mail from the company, the role from our setting, nothing that approves."""
        user: User = sociallogin.user
        claims = claims_of(sociallogin)
        user.email = str(claims.get("email") or "")
        user.name = str(claims.get("name") or user.email)[:120]
        user.role = role_for(claims) or ""
        return user


def claims_of(sociallogin: Any) -> dict[str, Any]:
    """What the company says about the person, as signed in the ID token or answered by its user info."""
    data = sociallogin.account.extra_data
    return {**(data.get("id_token") or {}), **(data.get("userinfo") or {})} or data


def role_for(claims: dict[str, Any]) -> Role | None:
    """The role of somebody new: by OIDC_ROLES (group -> role), else OIDC_DEFAULT_ROLE, else None, which is a refusal."""
    groups = claims.get(settings.OIDC_ROLE_CLAIM) or []
    for group in [groups] if isinstance(groups, str) else groups:
        if settings.OIDC_ROLES.get(str(group)) in Role.values:
            return Role(settings.OIDC_ROLES[str(group)])
    return Role(settings.OIDC_DEFAULT_ROLE) if settings.OIDC_DEFAULT_ROLE in Role.values else None


def refuse(request: HttpRequest, sentence: str) -> None:
    """Ends the sign-in with our page for refusals."""
    security.warning("company sign-in refused", extra={"event": "sso.refused"})
    handler = get_resolver().resolve_error_handler(403)
    raise ImmediateHttpResponse(handler(request, exception=PermissionDenied(sentence)))
