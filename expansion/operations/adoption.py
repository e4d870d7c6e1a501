"""After an expansion: the adoption play begins by itself, its checks read the use, and it says when the expansion is done (7.8, S2-31)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q

from billing.clock import business_date
from billing.domain.refusal import Refusal
from billing.models import Contract, ContractLine, Customer, Product
from dealops.accounts.models import User
from dealops.audit.operations import record
from expansion import rules_motion as rules
from expansion.domain.motion import adoption as play
from expansion.domain.motion.kinds import LOAD_KINDS
from expansion.domain.motion.outcomes import LOAD_ALARM, Load
from expansion.domain.motion.use import in_words
from expansion.models import Adoption, AdoptionTask, Change, Goal, SupportEvent, UsageReading

EXPANSIONS = frozenset({"upsell", "cross_sell"})
AFTER_DAYS = 30
LATEST_REVIEW = timedelta(days=731)


def begin(change: Change, contract: Contract, *, on: date, now: datetime) -> Adoption | None:
    """For a change that just took effect, in its transaction; None when nothing was expanded. Beginning twice is one adoption."""
    if change.mechanism not in EXPANSIONS or change.reverses_id:
        return None
    product, before, after = _added(change, contract)
    promised = _promised(change, contract, on)
    adoption, made = Adoption.objects.get_or_create(
        change=change,
        defaults={
            "customer": contract.customer, "product": product, "units_before": before, "units_after": after, "applied_on": on,
            **promised,
        },
    )  # fmt: skip
    if made:
        AdoptionTask.objects.bulk_create(
            AdoptionTask(adoption=adoption, kind=task.kind, title=task.title, due_on=due(task, adoption)) for task in play.TASKS
        )
        days = ", ".join(f"{due(task, adoption):%-d %b}" for task in play.TASKS if task.kind in play.CHECKS)
        _tell(adoption, "adoption.begun", f"The adoption of {change.number} is looked at on {days}.", now=now)
    return adoption


def due(task: play.Task, adoption: Adoption) -> date:
    """The day of a task: the review of the commitment falls on the day it was promised for."""
    return adoption.promised_for if task.kind == "value" and adoption.promised_for else task.due(adoption.applied_on)


def _promised(change: Change, contract: Contract, on: date) -> dict[str, Any]:
    """The value commitment a change begins with: its goal, metric and day as the account's goal has them, who looks after it."""
    goal = Goal.objects.filter(customer=contract.customer, title=change.goal).first() if change.goal else None
    day = goal.due_on if goal and goal.due_on and goal.due_on > on else play.REVIEW.due(on)
    owner = change.deal.success_manager or change.deal.owner
    return {"promise": change.goal, "promise_metric": goal.metric if goal else "", "promised_for": day, "promise_owner": owner}


@transaction.atomic
def commit(*, task_id: int, outcome: str, metric: str, day: date, owner: User, by: User, on: date, now: datetime) -> Adoption:
    """Write down what is promised to the customer, by what it is measured, by when, and who answers for it (S2-30).

    `task_id` is its review, which moves to `day`. Raises NotAllowed, or Refusal naming the field.
    """
    rules.demand(rules.why_not_work_signal(by))
    task = (
        AdoptionTask.objects.select_for_update(of=("self",))
        .select_related("adoption__customer__legal_entity", "adoption__change__deal")
        .get(pk=task_id)
    )
    adoption = task.adoption
    rules.demand(rules.why_not_see(by, adoption.customer))
    if task.kind != "value" or task.state == AdoptionTask.State.PASSED:
        raise Refusal("reviewed", "task", "This commitment was reviewed and is settled.")
    _demand_whole(outcome, metric, day, on)
    _demand_owner(owner, adoption.customer)
    adoption.promise, adoption.promise_metric = outcome.strip()[:1000], metric.strip()[:200]
    adoption.promised_for, adoption.promise_owner = day, owner
    adoption.save(update_fields=["promise", "promise_metric", "promised_for", "promise_owner"])
    task.due_on, task.state = day, AdoptionTask.State.OPEN
    task.save(update_fields=["due_on", "state"])
    words = f"{by} wrote down what is promised: {adoption.promise}, measured by {adoption.promise_metric}, until {day:%-d %b %Y}."
    _tell(adoption, "adoption.promised", words, now=now, by=by)
    _settle(adoption, on, now)
    return adoption


def _demand_whole(outcome: str, metric: str, day: date, on: date) -> None:
    if not outcome.strip():
        raise Refusal("no_outcome", "outcome", "Say what the customer will have reached.")
    if not metric.strip():
        raise Refusal("no_metric", "metric", "Say by what both sides see it, such as “overtime hours a month”.")
    if not on < day <= on + LATEST_REVIEW:
        raise Refusal("bad_day", "day", "Choose a day after today and within two years for the review.")


def _demand_owner(owner: User, customer: Customer) -> None:
    """Who answers for a promise finds it on their Home, so they have to see the customer."""
    if not owner.is_active or owner.role not in rules.SURFACES:
        raise Refusal("bad_owner", "owner", f"{owner} does not work with customers. Choose somebody in Sales, Customer Success or RevOps.")
    if rules.why_not_see(owner, customer):
        raise Refusal("bad_owner", "owner", f"{owner} does not see {customer.name}. Choose somebody of its teams.")


def begin_missing(*, now: datetime) -> int:
    """An adoption for every applied expansion that has none, on the business day it took effect. Answers how many (S2-31: all of them)."""
    found = Change.objects.filter(state="applied", mechanism__in=EXPANSIONS, reverses__isnull=True, adoption__isnull=True)
    begun = 0
    for change in found.select_related("deal__contract__customer__legal_entity", "deal__contract__legal_entity").order_by("pk"):
        contract = change.deal.contract
        assert change.applied_at is not None
        day = business_date(contract.legal_entity.time_zone, change.applied_at)
        with transaction.atomic():
            begun += begin(change, contract, on=day, now=now) is not None
    return begun


def _added(change: Change, contract: Contract) -> tuple[Product | None, Decimal, Decimal]:
    """The product of which most was added by the change, with its units before and after on the change's own day."""
    covers = Q(starts__lte=change.effective) & (Q(ends__isnull=True) | Q(ends__gt=change.effective))
    lines = ContractLine.objects.filter(covers, contract=contract).select_related("product")
    before = _units(lines.filter(removed_in__reference=change.number))
    after = _units(lines.filter(added_in__reference=change.number))
    grown = {product: units - before.get(product, Decimal(0)) for product, units in after.items()}
    if not grown:
        return None, Decimal(0), Decimal(0)
    most = max(grown, key=lambda product: grown[product])
    return most, before.get(most, Decimal(0)), after[most]


def _units(lines: Iterable[ContractLine]) -> dict[Product, Decimal]:
    units: dict[Product, Decimal] = {}
    for line in lines:
        units[line.product] = units.get(line.product, Decimal(0)) + line.quantity
    return units


def check_due(*, on: date, now: datetime) -> int:
    """Look at the use behind every check that is due, and again at those that failed. Answers how many were decided. Idempotent."""
    tasks = AdoptionTask.objects.filter(due_on__lte=on, kind__in=["activation", "usage"]).exclude(state=AdoptionTask.State.PASSED)
    decided = 0
    for pk in tasks.order_by("due_on", "pk").values_list("pk", flat=True):
        with transaction.atomic():
            decided += _check(pk, on, now)
    return decided


def _check(task_id: int, on: date, now: datetime) -> bool:
    task = (
        AdoptionTask.objects.select_for_update(of=("self",))
        .select_related("adoption__customer__legal_entity", "adoption__change__deal")
        .get(pk=task_id)
    )
    adoption = task.adoption
    added = play.Added(adoption.units_before, adoption.units_after)
    passes, words = (play.activation if task.kind == "activation" else play.usage)(added, _used(adoption, on))
    if passes is None:
        return False
    state = AdoptionTask.State.PASSED if passes else AdoptionTask.State.FAILED
    if (task.state, task.words) == (state, words):
        return False
    task.state, task.words, task.at = state, words, now
    task.save(update_fields=["state", "words", "at"])
    _tell(adoption, "adoption.checked", f"{task.title}: {words} {'Passed' if passes else 'Somebody should help'}.", now=now)
    _settle(adoption, on, now)
    return True


@transaction.atomic
def answer(*, task_id: int, passes: bool, words: str, by: User, on: date, now: datetime) -> AdoptionTask:
    """A person's answer to a task: the letter was written, the value was reviewed, or what was counted wrongly.

    Raises NotAllowed, or Refusal; for a task that has passed too: what it settled, and what was decided on that, stays.
    """
    rules.demand(rules.why_not_work_signal(by))
    task = (
        AdoptionTask.objects.select_for_update(of=("self",))
        .select_related("adoption__customer__legal_entity", "adoption__change__deal")
        .get(pk=task_id)
    )
    rules.demand(rules.why_not_see(by, task.adoption.customer))
    if task.state == AdoptionTask.State.PASSED:
        who = f" by {task.by}" if task.by else ""
        why = f"“{task.title}” was settled{who}: {task.words.rstrip('.')}. It stays. If they need help again, log a signal about them."
        raise Refusal("settled", "task", why)
    if not words.strip():
        raise Refusal("no_words", "words", "Say in a few words what you found.")
    task.state = AdoptionTask.State.PASSED if passes else AdoptionTask.State.FAILED
    task.words, task.by, task.at = words.strip()[:300], by, now
    task.save(update_fields=["state", "words", "by", "at"])
    _tell(task.adoption, "adoption.answered", f"{by} on “{task.title}”: {task.words}", now=now, by=by)
    _settle(task.adoption, on, now)
    return task


def _settle(adoption: Adoption, on: date, now: datetime) -> None:
    """Passed when all three checks are, failed while one is not."""
    states = dict(adoption.tasks.values_list("kind", "state"))
    results = {kind: {"passed": True, "failed": False}.get(states.get(kind, "")) for kind in play.CHECKS}
    verdict = play.verdict(results)
    if verdict != adoption.state:
        adoption.state = verdict
        adoption.save(update_fields=["state"])
        words = {"passed": "is adopted", "failed": "needs help", "running": "is being looked at again"}[verdict]
        _tell(adoption, f"adoption.{verdict}", f"{adoption.change.number} {words}.", now=now)


def watch_support(*, on: date, now: datetime) -> int:
    """Count support events 30 days before and after each expansion whose 30 days are over; answers how many alarm (K20)."""
    alarms = 0
    over = Adoption.objects.filter(load_after__isnull=True, applied_on__lte=on - timedelta(days=AFTER_DAYS))
    for adoption in over.select_related("customer__legal_entity", "change__deal").order_by("pk"):
        events = SupportEvent.objects.filter(customer=adoption.customer, kind__in=LOAD_KINDS)
        first, last = adoption.applied_on - timedelta(days=AFTER_DAYS), adoption.applied_on + timedelta(days=AFTER_DAYS)
        load = Load(
            events.filter(day__gte=first, day__lt=adoption.applied_on).count(),
            events.filter(day__gte=adoption.applied_on, day__lt=last).count(),
        )
        adoption.load_before, adoption.load_after = load.before, load.after
        with transaction.atomic():
            adoption.save(update_fields=["load_before", "load_after"])
            if load.alarms:
                alarms += 1
                words = f"{load.after} support events in the 30 days after {adoption.change.number}, {load.before} before: overselling?"
                _tell(adoption, "adoption.support_load", f"{words} The line is {in_words(LOAD_ALARM)} times.", now=now)
    return alarms


def why_not_done(deal_id: int) -> str | None:
    """An expansion is done only when its adoption has passed (S4-64, G5)."""
    newest = Adoption.objects.filter(change__deal=deal_id).order_by("-applied_on", "-pk").select_related("change").first()
    if newest is None or newest.state == Adoption.State.PASSED:
        return None
    left = ", ".join(newest.tasks.exclude(state=AdoptionTask.State.PASSED).filter(kind__in=play.CHECKS).values_list("title", flat=True))
    return f"The adoption of {newest.change.number} has not passed yet. Still open: {left}."


def _used(adoption: Adoption, on: date) -> Decimal | None:
    """Licences in use of the product, the newest count of each department in the last 30 days."""
    if adoption.product_id is None:
        return None
    rows = UsageReading.objects.filter(
        customer=adoption.customer, product=adoption.product, kind=UsageReading.Kind.ACTIVE, day__lte=on, day__gt=on - timedelta(days=30)
    ).order_by("department", "-day")
    counts = list(rows.distinct("department").values_list("quantity", flat=True))
    return sum(counts, Decimal(0)) if counts else None


def _tell(adoption: Adoption, action: str, sentence: str, *, now: datetime, by: User | None = None) -> None:
    record(
        action=action,
        sentence=sentence,
        subjects=[adoption.change.permalink, adoption.change.deal.permalink, adoption.customer.permalink],
        chain=adoption.customer.legal_entity.code,
        at=now,
        by=by,
        after={"state": adoption.state},
    )
