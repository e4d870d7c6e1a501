"""Which accounting system a legal entity is connected to. The adapter is a dotted path in the settings."""

from __future__ import annotations

from django.conf import settings
from django.utils.module_loading import import_string

from billing.adapters.accounting.port import Accounting, WrongOrganisation
from billing.models import LegalEntity


def accounting_for(entity: LegalEntity) -> Accounting:
    """The accounting system of `entity`, pinned to its organisation (F44).

    The organisation of the settings serves an installation with one legal entity only; with several, one entity's documents must
    never land in another's books. Raises WrongOrganisation.
    """
    if not entity.organisation and LegalEntity.objects.exclude(pk=entity.pk).exists():
        raise WrongOrganisation(f"{entity.name} has no accounting organisation yet. Enter it on the legal entity, then retry.")
    build = import_string(settings.ACCOUNTING["adapter"])
    return build(  # type: ignore[no-any-return]
        base_url=settings.ACCOUNTING["base_url"],
        tenant=settings.ACCOUNTING["tenant"],
        token=settings.ACCOUNTING["token"],
        organisation=entity.organisation,
    )
