"""The record in the CRM carries the four groups of the newest hand-off, each in a text property RevOps names (S3-57)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F

from billing.domain.refusal import Refusal
from dealops.accounts.models import User
from dealops.audit.operations import record
from dealops.database import alone_at
from dealops.outbox.operations import enqueue
from expansion import rules
from expansion.domain.motion.context import GROUPS
from expansion.models import CrmLink, CrmProperty, Introduction
from expansion.queries.crm import is_connected
from expansion.queries.crm_context import CONTEXT_TOPIC, TAKEN_NAMES, context_subject

NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")


def want(introduction: Introduction) -> None:
    """Let the CRM's record hear what was handed over; in the transaction that does it. Nothing without a connection, record or property."""
    deal = introduction.deal
    if deal is None or not deal.crm_id or not is_connected() or not CrmProperty.objects.exists():
        return
    link, _ = CrmLink.objects.get_or_create(deal=deal)
    payload = {"link": link.pk}
    enqueue(topic=CONTEXT_TOPIC, identity=f"{link.pk}|{introduction.pk}", subject=context_subject(link.pk), payload=payload, queue="notify")


def written(*, link_id: int, values: Mapping[str, str]) -> None:
    """The record carries these properties of ours: they are not written again, and a reading of before is taken once more (F55)."""
    with transaction.atomic():
        link = CrmLink.objects.select_for_update().get(pk=link_id)
        link.written = {**link.written, **values}
        link.save(update_fields=["written"])
        if values:
            CrmLink.objects.filter(pk=link_id).update(writes=F("writes") + 1)


def name_properties(chosen: Mapping[str, str], *, by: User, now: datetime) -> int:
    """Which property of HubSpot's deals carries which group, "" for none; answers how many are different now. From the next hand-off on.

    Raises NotAllowed, and Refusal naming the group whose name cannot be one, or is in use.
    """
    rules.demand(rules.why_not_map_crm(by))
    names = {group: (chosen.get(group) or "").strip() for group in GROUPS}
    for group, name in names.items():
        if name and not NAME.fullmatch(name):
            raise Refusal(
                "bad_name", group, f"“{name[:40]}” is no internal name of a property: a small letter, then small letters, digits and _."
            )
        if name in TAKEN_NAMES or (name and list(names.values()).count(name) > 1):
            raise Refusal("name_taken", group, f"“{name}” carries something else. Give every group a property of its own.")
    with transaction.atomic():
        alone_at("expansion.crm_properties")
        before = dict(CrmProperty.objects.values_list("group", "name"))
        moved = [group for group in GROUPS if before.get(group, "") != names[group]]
        CrmProperty.objects.filter(group__in=moved).delete()
        for group in moved:
            if names[group]:
                CrmProperty.objects.create(group=group, name=names[group])
            told = f"in HubSpot's property {names[group]}" if names[group] else "nowhere in HubSpot"
            sentence = f"{by} keeps “{GROUPS[group][0]}” of a hand-off {told}."
            record(action="crm.property_named", sentence=sentence, subjects=[f"crmproperty:{group}"], at=now, by=by)
    return len(moved)
