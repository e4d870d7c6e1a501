"""What of a hand-off the record in the CRM carries (S3-57)."""

from __future__ import annotations

from typing import Final

from expansion.domain.motion.context import as_text
from expansion.models import CrmProperty, Deal, Introduction
from expansion.queries.crm import AMOUNT, MECHANISM, OUR_CONTRACT, OUR_NUMBER, PIPELINE, STAGE

CONTEXT_TOPIC: Final = "crm.write_context"
# Properties that carry something else already.
TAKEN_NAMES: Final = frozenset({AMOUNT, PIPELINE, STAGE, OUR_NUMBER, OUR_CONTRACT, MECHANISM, "dealname"})


def context_of(deal: Deal) -> dict[str, str]:
    """HubSpot's property -> the text of one group of the newest hand-off of this deal; {} without either. Two queries."""
    properties = dict(CrmProperty.objects.values_list("group", "name"))
    newest = Introduction.objects.filter(deal=deal).order_by("-pk").first() if properties else None
    return {name: as_text(newest.context, group) for group, name in properties.items()} if newest else {}


def context_subject(link_id: int) -> str:
    """Apart from amount, stage and lines: a property that is missing in HubSpot holds up none of them."""
    return f"crm-context:{link_id}"
