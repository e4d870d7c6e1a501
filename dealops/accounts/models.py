"""People who use dealops. No business words here: a role is a name that the floors above give a meaning to."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower


class Role(models.TextChoices):
    """What a person is here for. Each person has exactly one."""

    SALES = "sales", "Sales"
    CUSTOMER_SUCCESS = "customer_success", "Customer Success"
    FINANCE = "finance", "Finance"
    REVOPS = "revops", "RevOps"
    AUDITOR = "auditor", "Auditor"


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A person with a log-in; `email` is the log-in name and unique whatever its case."""
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """An administrator of the installation. Even a superuser cannot approve: approval asks for the role (F84)."""
        fields.setdefault("role", Role.REVOPS)
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, email: str | None) -> User:
        return self.get(email__iexact=email)


class User(AbstractUser):
    """A log-in. `person` is the same for every log-in of one human being, so that maker and checker differ by person."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    name = models.CharField(max_length=120)
    email = models.EmailField(unique=True)
    role = models.CharField(max_length=20, choices=Role.choices)
    person = models.UUIDField(default=uuid.uuid4, help_text="The same for every log-in of one human being.")
    approval_limit = models.DecimalField(
        max_digits=20, decimal_places=3, null=True, blank=True, help_text="Highest amount this person may approve alone; empty means none."
    )
    approval_currency = models.CharField(max_length=3, blank=True)
    title = models.CharField(max_length=120, blank=True, help_text="One line on what this person does.")

    objects = UserManager()  # type: ignore[misc]

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name", "role"]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_any_case")]

    def __str__(self) -> str:
        return self.name

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name


class ApiToken(models.Model):
    """What a program shows to speak for a person. Only its hash is kept; the token itself is shown once (F99).

    `kinds` are the resources it opens, by the first word of their address (`changes`); empty means all. A token never decides.
    """

    class Access(models.TextChoices):
        READ = "read", "Read"
        WRITE = "write", "Read and write"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="api_tokens")
    name = models.CharField(max_length=80)
    start = models.CharField(max_length=12, help_text="The first letters, to recognise it by.")
    digest = models.CharField(max_length=64, unique=True)
    access = models.CharField(max_length=5, choices=Access.choices)
    kinds = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API token"
        constraints = [
            models.CheckConstraint(condition=models.Q(expires_at__gt=models.F("created_at")), name="api_token_expires_after_creation"),
            models.CheckConstraint(condition=models.Q(digest__regex=r"^[0-9a-f]{64}$"), name="api_token_only_its_hash"),
        ]
        indexes = [models.Index(fields=["user", "-created_at"], name="api_token_of_user")]

    def __str__(self) -> str:
        return f"{self.name} ({self.start}…)"
