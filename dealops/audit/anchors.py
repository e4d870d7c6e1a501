"""The daily anchor: the head of every chain, signed, kept in a row and sent to whoever AUDIT_ANCHOR_TO names."""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction

from dealops.audit import signing
from dealops.audit.models import Anchor, Chain


def anchor(*, day: date, at: datetime) -> list[Anchor]:
    """Anchor every chain that has entries and no anchor of this day yet; answers the new ones. Running it twice does no harm."""
    made = []
    with transaction.atomic():
        for chain in Chain.objects.filter(last_sequence__gt=0).exclude(anchors__day=day).order_by("name"):
            new = Anchor(chain=chain, day=day, sequence=chain.last_sequence, hash=chain.last_hash, made_at=at)
            new.signature = signing.sign(new.facts())
            new.save()
            made.append(new)
    return made


def send(anchors: list[Anchor]) -> int:
    """Tell the people outside what the heads are; answers how many mails went. Nothing is sent when nobody is named."""
    if not anchors or not settings.AUDIT_ANCHOR_TO:
        return 0
    lines = [f"{one.chain.name}: entry {one.sequence}, hash {one.hash}, signature {one.signature}" for one in anchors]
    body = "\n".join(
        [*lines, "", f"Public key: {signing.public_key()}", "Keep this mail. `manage.py verify_audit` compares the log with it."]
    )
    return send_mail(f"Audit anchors of {anchors[0].day}", body, None, settings.AUDIT_ANCHOR_TO)
