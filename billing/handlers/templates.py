"""Replaces the repeating template of a contract: create, verify, delete the old, verify (F41, M10).

Each step is committed before the next begins, each with a key of its own, so that a crash at any point is picked up where it
happened: what may have been created is looked up before anything is created again.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable

from billing.adapters.accounting import port
from billing.clock import now
from billing.connections import accounting_for
from billing.handlers.errors import translated
from billing.handlers.payloads import template_payload
from billing.models import Contract, FutureInvoiceVersion, Posting, PostingStep
from billing.operations.postings import note_step, note_superseded, note_template_live
from dealops.outbox.crash import crash_point
from dealops.outbox.handlers import NoAnswer
from dealops.outbox.relay import Delivery

Name = PostingStep.Name


def replace(delivery: Delivery) -> Callable[[], None]:
    """Bring accounting to exactly one live template of this version; several calls, one outcome."""
    posting = Posting.objects.select_related("version__future_invoice__current", "contract__legal_entity", "contract__customer").get(
        message=delivery.message
    )
    if Posting.objects.filter(contract=posting.contract, kind=Posting.Kind.TEMPLATE, version__number__gt=posting.version.number).exists():
        # A newer posting waits behind this one and cleans up whatever an interrupted try of this one left.
        return lambda: note_superseded(posting, at=now())
    saga = Saga(delivery, posting)
    with translated():
        return saga.run()


class Saga:
    """One run over the recorded steps of one posting."""

    def __init__(self, delivery: Delivery, posting: Posting) -> None:
        assert posting.version is not None
        self.delivery = delivery
        self.posting = posting
        # A bill run moves the next date on without a posting of its own: accounting gets the invoice that is next now.
        self.version: FutureInvoiceVersion = posting.version.future_invoice.current or posting.version
        self.contract: Contract = posting.contract
        self.accounting = accounting_for(self.contract.legal_entity)
        self.steps = {step.name: step for step in posting.steps.all()}

    def run(self) -> Callable[[], None]:
        new = self._create() if self.version.invoice_date else None
        removed = self._delete_others(keep=new.id if new else "")
        self._verify_alone(new)
        remote_id = new.id if new else ""
        return lambda: note_template_live(self.posting, self.version, remote_id=remote_id, removed=removed, at=now())

    def _create(self) -> port.RemoteTemplate:
        """The new template, made now or found from an earlier try, read back and compared."""
        payload = template_payload(self.version, self.contract)
        step = self.steps[Name.CREATE]
        if not step.done_at:
            made = self._made_before(payload) or self._make(payload, step)
            crash_point("template.after_create")
            self._done(step, made.id)
        found = self.accounting.get_template(step.remote_id)
        if found is None:
            raise port.Permanent(f"The new template {step.remote_id} is not in accounting any more; someone may have removed it.")
        port.check_template(payload, found)
        self._done(self.steps[Name.VERIFY_NEW], found.id)
        crash_point("template.after_verify_new")
        return found

    def _make(self, payload: port.TemplatePayload, step: PostingStep) -> port.RemoteTemplate:
        contact = self.accounting.ensure_contact(
            number=payload.contact_number,
            name=payload.contact_name,
            email=payload.contact_email,
            key=str(uuid.uuid5(step.key, "contact")),
        )
        self.delivery.checkpoint(lambda: None)
        return self.accounting.create_template(dataclasses.replace(payload, contact_id=contact.id), key=str(step.key))

    def _made_before(self, payload: port.TemplatePayload) -> port.RemoteTemplate | None:
        """A template an earlier, interrupted try of this very step may have left: live, ours, same content, unknown to us."""
        if not self.delivery.look_first:
            return None
        known = set(self.contract.templates.values_list("remote_id", flat=True))
        for template in self.accounting.list_templates(reference=self.contract.number):
            if template.id not in known and (template.net, template.total) == (payload.net, payload.total):
                return template
        return None

    def _delete_others(self, keep: str) -> list[str]:
        """Every other live template of this contract goes; ours by name, whoever made it."""
        step = self.steps[Name.DELETE_OLD]
        removed = [t.id for t in self.accounting.list_templates(reference=self.contract.number) if t.id != keep]
        for place, old in enumerate(removed):
            self.accounting.delete_template(old, key=f"{step.key}-{place}")
            crash_point("template.after_delete")
        self._done(step, ",".join(removed)[:80])
        return removed

    def _verify_alone(self, new: port.RemoteTemplate | None) -> None:
        """One live template, or none when nothing is left to bill. Anything else is not finished."""
        live = [t.id for t in self.accounting.list_templates(reference=self.contract.number)]
        wanted = [new.id] if new else []
        if live != wanted:
            shown = f"Accounting shows {len(live)} live templates for {self.contract.number} instead of {len(wanted)}"
            raise NoAnswer(f"{shown}; looking again.")
        crash_point("template.before_last_step")
        self._done(self.steps[Name.VERIFY_OLD], ",".join(live)[:80])

    def _done(self, step: PostingStep, remote_id: str) -> None:
        if not step.done_at:
            self.delivery.checkpoint(lambda: note_step(step, remote_id=remote_id, at=now()))
