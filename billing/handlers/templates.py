"""Brings accounting to exactly one live template per contract: create, verify, delete the old, verify (F41, M10).

Each step is committed before the next begins, each with a key of its own. A run starts from what accounting shows, not from what
we believe: a template that is right is used whoever made it, every other one goes. So a crash at any point, a step done by hand
over there and a version that moved on meanwhile all end in the same place.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from django.db.models import Max

from billing.adapters.accounting import comparison, port
from billing.clock import now
from billing.connections import accounting_for
from billing.handlers import window
from billing.handlers.contacts import contact_of
from billing.handlers.errors import translated
from billing.handlers.payloads import template_payload
from billing.models import Contract, Document, FutureInvoiceVersion, Posting, PostingStep, Template
from billing.operations.postings import note_began_anew, note_step, note_template_live
from dealops.outbox.crash import crash_point
from dealops.outbox.handlers import NoAnswer, TryLater
from dealops.outbox.relay import Delivery

Name = PostingStep.Name
# How often a wait for accounting's own bill run is looked at again.
LOOK_AGAIN_SECONDS = 300


def replace(delivery: Delivery) -> Callable[[], None]:
    """Bring accounting to the newest version of the future invoice, which may be a later one than the message was written for."""
    posting = Posting.objects.select_related("version__future_invoice", "contract__legal_entity", "contract__customer").get(
        message=delivery.message
    )
    with translated():
        return Saga(delivery, posting, accounting_for(posting.contract.legal_entity)).run()


class Saga:
    """One run over the recorded steps of one posting."""

    def __init__(self, delivery: Delivery, posting: Posting, accounting: port.Accounting) -> None:
        assert posting.version is not None
        self.delivery = delivery
        self.posting = posting
        self.accounting = accounting
        self.contract: Contract = posting.contract
        self.steps = {step.name: step for step in posting.steps.all()}
        # From the version the message was written for to the newest; an interrupted try may have used any of them.
        self.versions: list[FutureInvoiceVersion] = list(
            posting.version.future_invoice.versions.filter(number__gte=posting.version.number).order_by("number")
        )

    @property
    def version(self) -> FutureInvoiceVersion:
        """The one accounting shall hold."""
        return self.versions[-1]

    def run(self) -> Callable[[], None]:
        live = self.live()
        new = self._new(live) if self.version.invoice_date else None
        removed = self._remove_others(live, new)
        remote_id = new.id if new else ""
        return lambda: note_template_live(self.posting, self.version, remote_id=remote_id, removed=removed, at=now())

    def live(self) -> Sequence[port.RemoteTemplate]:
        """Every template of this contract that can still make an invoice; ours by name, whoever made it."""
        return self.accounting.list_templates(reference=self.contract.number)

    # --- the new one

    def _new(self, live: Sequence[port.RemoteTemplate]) -> port.RemoteTemplate:
        """The new template, found or made, read back and compared."""
        payload = template_payload(self.version, self.contract)
        step = self.steps[Name.CREATE]
        if step.done_at and self._is_of_older_version(self.accounting.get_template(step.remote_id)):
            self._begin_anew()
        if not step.done_at:
            made = self.look_up(payload, live) or self._make(payload, step, live)
            crash_point("template.after_create")
            self._done(step, made.id)
            crash_point("template.after_create_noted")
        found = self.accounting.get_template(step.remote_id)
        try:
            self.check(payload, found)
        except port.Permanent:
            self._give_up(step.remote_id)
            raise
        assert found is not None
        self._done(self.steps[Name.VERIFY_NEW], found.id)
        crash_point("template.after_verify_new")
        return found

    def look_up(self, payload: port.TemplatePayload, live: Sequence[port.RemoteTemplate]) -> port.RemoteTemplate | None:
        """A live template that is exactly what is wanted: left by an interrupted try, or never in need of replacement."""
        right = (template for template in live if self._is_right(payload, template))
        return next((t for t in right if (t.end_date, t.due_days) == (payload.end_date, payload.due_days)), None)

    def _make(self, payload: port.TemplatePayload, step: PostingStep, live: Sequence[port.RemoteTemplate]) -> port.RemoteTemplate:
        self._wait_for_accounting(live)
        contact_id = contact_of(self.accounting, payload, books=self.contract.legal_entity.code)
        self.delivery.renew()
        crash_point("template.before_create")
        try:
            return self.accounting.create_template(dataclasses.replace(payload, contact_id=contact_id), key=self._create_key(step))
        except port.Mismatch as wrong:
            self._give_up(wrong.remote.id if wrong.remote else "")
            raise

    def _create_key(self, step: PostingStep) -> str:
        """The step's own key, or one derived from it when a later version is what is sent (F39: one key, one body)."""
        return str(step.key) if self.version.pk == self.posting.version_id else str(uuid.uuid5(step.key, f"v{self.version.number}"))

    def check(self, payload: port.TemplatePayload, found: port.RemoteTemplate | None) -> None:
        """Compare what accounting made with what was asked for. Raises Permanent, in words for the person who will look."""
        if found is None or found.status == "deleted":
            raise port.Permanent(
                f"The new template of {payload.reference} was removed in accounting before it took the place of the old one. "
                "Finance presses Retry on Sync, which makes it again.",
                way_out="",
            )
        comparison.check_template(self._on_a_known_date(payload, found), found)
        if not _same_lines(payload, found):
            words = f"The lines of the new template of {payload.reference} are not ours in accounting."
            raise port.Mismatch(words, remote=found, way_out=comparison.WAY_OUT_OF_A_TEMPLATE)

    def _is_right(self, payload: port.TemplatePayload, found: port.RemoteTemplate) -> bool:
        try:
            self.check(payload, found)
        except port.Permanent:
            return False
        return True

    def _on_a_known_date(self, payload: port.TemplatePayload, found: port.RemoteTemplate) -> port.TemplatePayload:
        """A template made for an earlier version with the same amounts is right too: it moves on by itself."""
        dates = {version.invoice_date for version in self.versions}
        return dataclasses.replace(payload, next_date=found.next_date) if found.next_date and found.next_date in dates else payload

    def _is_of_older_version(self, found: port.RemoteTemplate | None) -> bool:
        """Whether a try before this one made it for a version that has been overtaken since."""
        if found is None or self._is_right(template_payload(self.version, self.contract), found):
            return False
        return any(
            self._is_right(template_payload(version, self.contract), found) for version in self.versions[:-1] if version.invoice_date
        )

    # --- stepping back

    def _begin_anew(self, left: str = "") -> None:
        self.delivery.checkpoint(lambda: note_began_anew(self.posting, left=left, at=now()))
        for step in self.steps.values():
            step.refresh_from_db()

    def _give_up(self, remote_id: str) -> None:
        """What was made is not used: the next try makes another, and where the old template still stands it stays the only one."""
        self._begin_anew(left=remote_id)
        live = [template.id for template in self.live()]
        if remote_id in live and len(live) > 1:
            self.accounting.delete_template(remote_id, key=self._delete_key(remote_id))

    def _delete_key(self, remote_id: str) -> str:
        return str(uuid.uuid5(self.steps[Name.DELETE_OLD].key, remote_id))

    # --- the others

    def _remove_others(self, live: Sequence[port.RemoteTemplate], new: port.RemoteTemplate | None) -> list[str]:
        """Remove every other live template and see that one is left, or none when nothing is left to bill."""
        wanted = [new.id] if new else []
        others = [template for template in live if template.id not in wanted]
        if new is None:
            self._wait_for_accounting(others)
        elif new.next_date and window.overtaken(self._olds(others), starts=new.next_date):
            self._give_up(new.id)
            raise TryLater(
                f"Accounting made its invoice of {new.next_date:%-d %b %Y} from the old template meanwhile.", after=LOOK_AGAIN_SECONDS
            )
        for old in others:
            self.delivery.renew()
            crash_point("template.before_delete")
            self.accounting.delete_template(old.id, key=self._delete_key(old.id))
            crash_point("template.after_delete")
        removed = [old.id for old in others]
        self._done(self.steps[Name.DELETE_OLD], ",".join(removed)[:80])
        self._verify_alone(wanted)
        return removed

    def _verify_alone(self, wanted: list[str]) -> None:
        left = [template.id for template in self.live()]
        if left != wanted:
            raise NoAnswer(
                f"Accounting shows {len(left)} live templates for {self.contract.number} instead of {len(wanted)}; looking again."
            )
        crash_point("template.before_last_step")
        self._done(self.steps[Name.VERIFY_OLD], ",".join(left)[:80])

    def _wait_for_accounting(self, others: Sequence[port.RemoteTemplate]) -> None:
        """Not now, when accounting is about to make, or owes, an invoice from the template that would go. Raises TryLater (F42)."""
        entity = self.contract.legal_entity
        recurring = self.contract.documents.filter(kind=Document.Kind.INVOICE, origin=Document.Origin.RECURRING)
        words = window.why_wait(
            self._olds(others),
            starts=self.version.invoice_date,
            billed=recurring.aggregate(last=Max("issue_date"))["last"],
            local=now().astimezone(ZoneInfo(entity.time_zone)),
        )
        if words:
            self._leave_the_one_in_use(others)
            raise TryLater(words, after=LOOK_AGAIN_SECONDS)

    def _leave_the_one_in_use(self, live: Sequence[port.RemoteTemplate]) -> None:
        """While we wait, what an interrupted try left beside the template in use would make its invoices as well: it goes now."""
        in_use = set(self.contract.templates.filter(state=Template.State.LIVE).values_list("remote_id", flat=True))
        if any(template.id in in_use for template in live):
            for left in live:
                if left.id not in in_use:
                    self.delivery.renew()
                    self.accounting.delete_template(left.id, key=self._delete_key(left.id))

    def _olds(self, others: Sequence[port.RemoteTemplate]) -> list[window.Old]:
        known = Template.objects.filter(contract=self.contract).values_list("remote_id", "version__invoice_date")
        starts = dict(known)
        return [window.Old(template.next_date, starts.get(template.id)) for template in others]

    def _done(self, step: PostingStep, remote_id: str) -> None:
        if not step.done_at:
            self.delivery.checkpoint(lambda: note_step(step, remote_id=remote_id, at=now()))


def _same_lines(payload: port.TemplatePayload, found: port.RemoteTemplate) -> bool:
    """The same lines in the same order, where accounting shows lines at all; a long description may have been cut over there."""
    if not found.lines:
        return True
    return len(payload.lines) == len(found.lines) and all(
        ours.line_amount == theirs.line_amount and ours.description.startswith(theirs.description)
        for ours, theirs in zip(payload.lines, found.lines, strict=True)
    )
