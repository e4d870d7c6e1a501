"""Issues the recurring invoices that are due: in chunks, each chunk one transaction, each invoice once, resumable (F11, F31)."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import DatabaseError, IntegrityError, OperationalError, transaction
from django.db.models import F

from billing.models import Contract, LegalEntity
from billing.operations import leftovers, recurring
from billing.queries.due import NOT_BILLED, DueContract, lock_due
from dealops.audit.operations import record
from dealops.database import is_busy

log = logging.getLogger(__name__)

CHUNK = 2000
# A deadlock or a lock that was not granted in time is nobody's fault: the chunk is tried again (F09).
TRIES = 4


@dataclass(slots=True)
class Run:
    """What one run did: how many invoices were issued over how many contracts, which contracts were left to a person, with the reason,
    and which ended because their term is over.
    """

    issued: int = 0
    contracts: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)


def bill(*, on: date, at: datetime, progress: Callable[[int], None] = lambda done: None, entity: LegalEntity | None = None) -> Run:
    """Issue every recurring invoice dated `on` or before that is not issued yet, of one legal entity or of all; end the contracts whose
    term is over by then. Run twice, the second finds nothing; stopped in the middle, the next goes on.

    `progress` is told the number of contracts after each chunk. A contract that cannot be billed costs only itself: it is parked with the
    reason and tried again by the next run.
    """
    run = Run()
    for one in [entity] if entity else LegalEntity.objects.order_by("code"):
        skipped: set[int] = set()
        # Once past what others hold, then once waiting for it: nobody's invoice is left out because someone looked at the contract.
        for wait in (False, True):
            _walk(one, on, at, run, progress, skipped, wait)
        with transaction.atomic():
            run.ended += end_terms(one, on=on, at=at)
    return run


def _walk(entity: LegalEntity, on: date, at: datetime, run: Run, progress: Callable[[int], None], skipped: set[int], wait: bool) -> None:
    last: int | None = 0
    while last is not None:
        done, last = _chunk(entity, on, at, run, after=last, skipped=skipped, wait=wait)
        if done:
            progress(done)


def _chunk(entity: LegalEntity, on: date, at: datetime, run: Run, *, after: int, skipped: set[int], wait: bool) -> tuple[int, int | None]:
    """Bill the next chunk; (number of contracts, where to go on). Tried again when it collides with somebody else's work."""
    for left in range(TRIES, 0, -1):
        found = Run()
        try:
            with transaction.atomic():
                contracts = lock_due(entity=entity.pk, on=on, after=after, size=CHUNK, without=skipped, wait=wait)
                # What is not due after all, and what failed, is not met again by the second walk.
                skipped |= _bill(contracts, entity, on, at, found)
            break
        except OperationalError as error:
            if left == 1 or not is_busy(error) or transaction.get_connection().in_atomic_block:
                raise
            time.sleep(random.uniform(0.05, 0.3))  # noqa: S311 - so that two runs do not march in step
    run.issued += found.issued
    run.contracts += found.contracts
    run.failed |= found.failed
    return len(contracts), contracts[-1].pk if len(contracts) == CHUNK else None


def _bill(contracts: Sequence[DueContract], entity: LegalEntity, on: date, at: datetime, run: Run) -> set[int]:
    """Bill locked contracts; answers those that need not be looked at again."""
    plans: list[recurring.Plan] = []
    done: set[int] = set()
    for contract in contracts:
        try:
            plan = recurring.plan(contract, on)
        except Exception as error:
            _park(contract, entity, on, at, error, run)
            done.add(contract.pk)
            continue
        if plan is None:
            done.add(contract.pk)
        else:
            plans.append(plan)
    return done | _write(plans, entity, on, at, run)


def _write(plans: Sequence[recurring.Plan], entity: LegalEntity, on: date, at: datetime, run: Run) -> set[int]:
    """Write the chunk; when it fails, its halves, down to the one contract that is broken. Answers the broken ones."""
    if not plans:
        return set()
    try:
        with transaction.atomic():
            run.issued += recurring.carry_out(plans, entity, at=at)
            run.contracts += len(plans)
            return set()
    except OperationalError:
        raise
    except Exception as error:
        if len(plans) > 1:
            middle = len(plans) // 2
            return _write(plans[:middle], entity, on, at, run) | _write(plans[middle:], entity, on, at, run)
        _park(plans[0].contract, entity, on, at, error, run)
        return {plans[0].contract.pk}


def _park(contract: DueContract, entity: LegalEntity, on: date, at: datetime, error: Exception, run: Run) -> None:
    """A person reads why on the contract; the log tells it once, not every night."""
    reason = f"{NOT_BILLED}: {_words(error)}"
    run.failed[contract.number] = reason
    if reason == contract.parked_reason:
        return
    log.error("Contract %s could not be billed", contract.number, exc_info=error)
    Contract.objects.filter(pk=contract.pk).update(parked_reason=reason)
    record(
        action="contract.not_billed",
        sentence=f"Contract {contract.number} was not billed on {on:%-d %b %Y}. {reason}",
        subjects=[f"contract:{contract.number}"],
        chain=entity.code,
        at=at,
        after={"reason": reason},
    )


def _words(error: Exception) -> str:
    constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    if isinstance(error, IntegrityError) and constraint == "document_recurring_once":
        return "an invoice of the same period is issued already. Set the day it is billed until to the end of its last invoice."
    if isinstance(error, DatabaseError):
        return str(error).splitlines()[0]
    return str(error) or type(error).__name__


def end_terms(entity: LegalEntity, *, on: date, at: datetime) -> list[str]:
    """End the contracts whose term is over and billed to its end. What hangs on them (deals, open changes) is the floor above's."""
    over = Contract.objects.filter(legal_entity=entity, state=Contract.State.ACTIVE, end__lte=on, billed_until__gte=F("end"))
    if not over.exists():  # on most days
        return []
    ended = list(over.select_related("legal_entity", "customer").select_for_update(of=("self",), no_key=True).order_by("pk"))
    for contract in ended:
        leftovers.settle(contract, on=max(on, contract.end), at=at)
        contract.state = Contract.State.ENDED
        contract.save(update_fields=["state"])
        record(
            action="contract.ended",
            sentence=f"The term of contract {contract.number} ended on {contract.end:%-d %b %Y}.",
            subjects=[contract.permalink],
            chain=entity.code,
            at=at,
            before={"state": "active"},
            after={"state": "ended"},
        )
    return [contract.number for contract in ended]
