"""Which accounting system a legal entity is connected to. The adapter is a dotted path in the settings."""

from __future__ import annotations

from django.conf import settings
from django.utils.module_loading import import_string

from billing.adapters.accounting.port import Accounting
from billing.models import LegalEntity


def accounting_for(entity: LegalEntity) -> Accounting:
    """The accounting system of `entity`, pinned to its organisation (F44)."""
    build = import_string(settings.ACCOUNTING["adapter"])
    return build(  # type: ignore[no-any-return]
        base_url=settings.ACCOUNTING["base_url"],
        tenant=settings.ACCOUNTING["tenant"],
        token=settings.ACCOUNTING["token"],
        organisation=entity.organisation,
    )
