"""Which accounting system a legal entity is connected to. The adapter is a dotted path in the settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from billing.adapters.accounting.in_house import InHouse
from billing.adapters.accounting.port import Accounting, AccountingError, RetryLater, Unknown, WrongOrganisation
from billing.models import Accounting as System
from billing.models import Connection, LegalEntity
from dealops.outbox import gates

# Xero's own limits per organisation; what other addresses allow (Ledgerly, a test) they say themselves.
XERO_LIMITS = gates.Limits(per_minute=60, per_day=5000)
# QuickBooks names no limit for a day.
QUICKBOOKS_LIMITS = gates.Limits(per_minute=500, per_day=0)


@dataclass(frozen=True, slots=True)
class Turnstile:
    """The gate of one organisation as the adapters know it."""

    name: str
    limits: gates.Limits | None

    def enter(self, *, writes: bool) -> None:
        """Raises RetryLater with the reason and the time to come back."""
        try:
            gates.enter(self.name, limits=self.limits, writes=writes)
        except gates.Shut as shut:
            raise RetryLater(str(shut), after=int(shut.after) + 1) from shut

    def leave(self, error: AccountingError | None) -> None:
        """A refusal is an answer too: only silence and asking to wait count against the gate."""
        if isinstance(error, RetryLater) and error.after is not None:
            gates.asked_to_wait(self.name, seconds=error.after, words=error.words)
        elif isinstance(error, RetryLater | Unknown):
            gates.not_answered(self.name, words=error.words)
        else:
            gates.answered(self.name)


# Answers a token that is good now for a connection's key; the room above hands it in, because fetching one writes (F43).
_token_of: list[Callable[[int], str]] = []


def tokens_from(token_of: Callable[[int], str]) -> None:
    """Where tokens come from; called once at start."""
    _token_of[:] = [token_of]


def gate_name(entity: LegalEntity) -> str:
    """The name of the gate of a legal entity's accounting."""
    return f"accounting:{entity.code}"


def accounting_for(entity: LegalEntity) -> Accounting:
    """The accounting system of `entity`, pinned to its organisation (F44).

    The organisation of the settings serves an installation with one legal entity only; with several, one entity's documents must
    never land in another's books. Raises WrongOrganisation.
    """
    if entity.bills_itself:
        return InHouse(name=entity.name, currency=entity.currency)
    if not entity.organisation and LegalEntity.objects.exclude(pk=entity.pk).exists():
        raise WrongOrganisation(
            f"{entity.name} has no accounting organisation yet. RevOps enters it on the legal entity in the admin, then Retry on Sync.",
            way_out="",
        )
    known = settings_of(entity)
    return import_string(known["adapter"])(  # type: ignore[no-any-return]
        base_url=known["base_url"],
        tenant=known["tenant"],
        token=_token(entity, known["token"]),
        organisation=entity.organisation,
        gate=Turnstile(gate_name(entity), limits_of(entity)) if known.get("gate", True) else None,
        **known.get("options", {}),
    )


def settings_of(entity: LegalEntity) -> dict[str, Any]:
    """How this installation reaches the accounting system that `entity` keeps its books in."""
    return settings.QUICKBOOKS if entity.accounting == System.QUICKBOOKS else settings.ACCOUNTING


def limits_of(entity: LegalEntity) -> gates.Limits | None:
    """What the other side allows; None for an address that is not the vendor's own."""
    address = settings_of(entity)["base_url"]
    if entity.accounting == System.QUICKBOOKS:
        return QUICKBOOKS_LIMITS if ".intuit.com" in address else None
    return XERO_LIMITS if entity.accounting == System.XERO and ".xero.com" in address else None


def _token(entity: LegalEntity, of_settings: str) -> str | Callable[[], str]:
    """The entity's own connection, else the token of the settings."""
    connection = Connection.objects.filter(legal_entity=entity).values_list("pk", flat=True).first()
    return partial(_token_of[0], connection) if connection is not None else of_settings
