"""People, Finance and the calendar in any order: after every single step all rules of the books hold (G07, M01 to M30)."""

import os
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from billing.domain.refusal import Refusal
from billing.models import Contract, FutureInvoice, LegalEntity
from expansion.models import Change, Deal
from expansion.operations import changes, daily, renewal, reversal
from tests.books import assert_books_hold
from tests.worlds import STORY_DAY, seed_world

pytestmark = [pytest.mark.django_db, pytest.mark.req("G07")]

START = date(2026, 4, 1)
PLANS = ["starter", "team", "business", "enterprise"]
ADD_ONS = ["scheduler", "route-analytics", "api-access", "premium-support", "training-day"]
OVERRIDES = ["", "", "credit_note", "no_adjustment"]
STEPS = Counter()
numbers = st.integers(min_value=0, max_value=10**6)


class People(RuleBasedStateMachine):
    """One contract of the story's world, changed, decided, billed, renewed and ended as the rules come."""

    world = None

    def __init__(self):
        super().__init__()
        self.frame = transaction.atomic()
        self.frame.__enter__()
        self.today = STORY_DAY
        self.is_checked = False
        self.seen = None

    def teardown(self):
        transaction.set_rollback(True)
        self.frame.__exit__(None, None, None)

    @initialize(
        owner=st.sampled_from(["finance", "sales_cs"]),
        shape=st.sampled_from(["net", "gross"]),
        treatment=st.sampled_from(["", "credit_note", "credit_on_next_invoice", "no_adjustment", "at_renewal"]),
        minimum=st.sampled_from([0, 0, 60]),
    )
    def policies(self, owner, shape, treatment, minimum):
        LegalEntity.objects.update(
            future_invoice_owner=owner, proration_shape=shape, downgrade_treatment=treatment, minimum_amount=Decimal(minimum)
        )

    # --- what they see --------------------------------------------------------------------------------------------------------------

    @property
    def now(self):
        return datetime(self.today.year, self.today.month, self.today.day, 10, tzinfo=UTC)

    def in_state(self, *states):
        """The changes in these states; asked for by every rule's precondition, so read once per step."""
        if self.seen is None:
            self.seen = list(Change.objects.order_by("pk"))
            self.contract_state = Contract.objects.get().state
        return [change for change in self.seen if change.state in states]

    def open_change(self):
        return next(iter(self.in_state("draft", "submitted")), None)

    def is_active(self):
        self.in_state()
        return self.contract_state == "active"

    def attempt(self, name, work):
        """Do it; a refusal is an answer too, and leaves nothing behind."""
        self.is_checked, self.seen = False, None
        try:
            with transaction.atomic():
                done = work()
        except Refusal as refusal:
            STEPS[f"{name} refused: {refusal.code}"] += 1
            return None
        STEPS[name] += 1
        return done

    def settled(self, change):
        """What was applied just now expects the next invoice that was shown."""
        if change is not None and change.state == "applied":
            shown = change.impact["next_after"]
            current = FutureInvoice.objects.select_related("current").get().current
            shown_totals = (Decimal(shown["net"]), Decimal(shown["tax"])) if shown else (Decimal(0), Decimal(0))
            assert (current.net, current.tax) == shown_totals, change.impact["summary"]

    # --- what they do ---------------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.open_change() is None and self.is_active())
    @rule(
        what=numbers,
        count=st.integers(0, 60),
        ahead=st.integers(-50, 70),
        override=st.sampled_from(OVERRIDES),
    )
    def draft(self, what, count, ahead, override):
        effective = self.today + timedelta(days=ahead)
        self.attempt(
            "draft",
            lambda: changes.draft(
                deal=Deal.objects.get(),
                intents=self.intents(what, count),
                effective=effective,
                treatment=override,
                waiver_reason="Agreed with the customer" if override else "",
                by=self.world.ae,
                now=self.now,
            ),
        )

    def intents(self, what, count):
        lines = list(Contract.objects.get().lines.filter(removed_in__isnull=True).order_by("pk"))
        key = str(lines[what // 10 % len(lines)].key) if lines else ""
        kinds = [
            [{"action": "quantity", "key": key, "quantity": str(count)}],
            [{"action": "quantity", "key": key, "quantity": str(count + 1)}],
            [{"action": "swap", "key": key, "product": PLANS[what // 100 % 4], "quantity": str(count + 1)}],
            [{"action": "add", "product": ADD_ONS[what // 100 % 5], "quantity": str(count % 3 + 1)}],
            [{"action": "remove", "key": key}],
            [{"action": "price", "key": key, "unit_price": f"{count}.{what % 100:02d}"}],
            [{"action": "quantity", "key": key, "quantity": str(count), "until": (self.today + timedelta(days=90)).isoformat()}],
            [
                {"action": "quantity", "key": key, "quantity": str(count + 1)},
                {"action": "add", "product": ADD_ONS[what // 100 % 5], "quantity": "1"},
            ],
        ]
        return kinds[what % len(kinds)]

    @precondition(lambda self: bool(self.in_state("draft")))
    @rule()
    def submit(self):
        (change,) = self.in_state("draft")
        given = {"change_id": change.pk, "version": change.version, "shown_hash": change.content_hash}
        self.settled(self.attempt("submit", lambda: changes.submit(**given, by=self.world.ae, now=self.now)))

    @precondition(lambda self: bool(self.in_state("submitted")))
    @rule()
    def approve(self):
        (change,) = self.in_state("submitted")
        given = {"change_id": change.pk, "version": change.version, "shown_hash": change.content_hash}
        self.settled(self.attempt("approve", lambda: changes.approve(**given, by=self.world.head_of_finance, now=self.now)))

    @precondition(lambda self: bool(self.in_state("submitted")))
    @rule()
    def reject(self):
        (change,) = self.in_state("submitted")
        given = {"change_id": change.pk, "version": change.version, "reason": "Not like this"}
        self.attempt("reject", lambda: changes.reject(**given, by=self.world.finance, now=self.now))

    @precondition(lambda self: bool(self.in_state("submitted")))
    @rule()
    def recall(self):
        (change,) = self.in_state("submitted")
        self.attempt("recall", lambda: changes.recall(change_id=change.pk, version=change.version, by=self.world.ae, now=self.now))

    @precondition(lambda self: bool(self.in_state("draft")))
    @rule(anew=st.booleans())
    def edit_or_discard(self, anew):
        (change,) = self.in_state("draft")
        given = {"change_id": change.pk, "version": change.version, "by": self.world.ae, "now": self.now}
        if anew:
            again = {"intents": change.edits, "effective": change.effective, "treatment": change.treatment}
            words = {"waiver_reason": change.waiver_reason, "goal": change.goal or "As before"}
            self.attempt("edit", lambda: changes.edit(**given, **again, **words))
        else:
            self.attempt("discard", lambda: changes.discard(**given))

    @precondition(lambda self: self.open_change() is None and self.is_active() and bool(self.in_state("applied")))
    @rule(which=numbers)
    def reverse(self, which):
        applied = self.in_state("applied")
        change = applied[which % len(applied)]
        given = {"change_id": change.pk, "reason": "It was a mistake", "by": self.world.ae, "now": self.now}
        self.settled(self.attempt("reverse", lambda: reversal.reverse(**given)))

    @precondition(lambda self: bool(self.in_state("scheduled")))
    @rule(which=numbers)
    def cancel(self, which):
        waiting = self.in_state("scheduled")
        change = waiting[which % len(waiting)]
        self.attempt("cancel", lambda: reversal.cancel(change_id=change.pk, reason="No longer wanted", by=self.world.ae, now=self.now))

    @rule(days=st.integers(1, 25), chance=st.integers(0, 1))
    def days_pass(self, days, chance):
        if not chance:
            return
        self.is_checked, self.seen = False, None
        self.today += timedelta(days=days)
        done = daily.catch_up(on=self.today, at=lambda day: datetime(day.year, day.month, day.day, 6, tzinfo=UTC))
        assert not done.failed, done.failed
        STEPS["days pass"] += 1
        STEPS["invoices"] += done.issued
        STEPS["activated"] += len(done.applied)

    @precondition(lambda self: self.is_active() and self.today.day <= 10)
    @rule(months=st.integers(1, 6), chance=st.integers(0, 3))
    def renew(self, months, chance):
        if chance < 3:
            return
        end = Contract.objects.get().end
        until = date(end.year + (end.month + months - 1) // 12, (end.month + months - 1) % 12 + 1, 1)
        given = {"deal_id": self.world.deal.pk, "until": until, "reason": "Signed again", "by": self.world.admin, "now": self.now}
        self.attempt("renew", lambda: renewal.renew(**given))

    @precondition(lambda self: self.is_active())
    @rule(ahead=st.integers(0, 60), chance=st.integers(0, 9))
    def end_early(self, ahead, chance):
        if chance < 9:
            return
        on = Contract.objects.get().billed_until + timedelta(days=ahead)
        given = {"deal_id": self.world.deal.pk, "on": on, "reason": "They gave notice", "by": self.world.admin, "now": self.now}
        self.attempt("end early", lambda: renewal.end_early(**given))

    # --- what has to hold -----------------------------------------------------------------------------------------------------------

    @invariant()
    def the_books_hold(self):
        if not self.is_checked:  # a step that was left out has nothing to check
            STEPS["steps"] += 1
            assert_books_hold()
            self.is_checked = True


def run(world, examples, steps, *, find_the_shortest=False):
    """How often each step was made."""
    STEPS.clear()
    People.world = world
    phases = (Phase.generate, Phase.shrink) if find_the_shortest else (Phase.generate,)
    run_state_machine_as_test(
        People,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=not find_the_shortest,
            database=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )
    return dict(STEPS)


@pytest.mark.timeout(900)
def test_whatever_people_do_in_whatever_order_the_books_hold(db):
    made = run(seed_world(end=date(2027, 5, 1)), 16, 40)
    assert made["steps"] >= 250, made
    assert {"submit", "approve", "days pass", "reverse", "invoices"} <= set(made), made


@pytest.mark.proof("G07 people, Finance and the calendar in any order")
@pytest.mark.timeout(7200)
def test_ten_thousand_steps(db, record_property):
    made = run(seed_world(end=date(2027, 5, 1)), int(os.environ.get("MACHINE_EXAMPLES", "640")), 40, find_the_shortest=True)
    steps = made.pop("steps")
    record_property("cases", steps)
    record_property("refused", sum(count for name, count in made.items() if " refused: " in name))
    for name, count in sorted(made.items()):
        if " refused: " not in name:
            record_property(name, count)
    assert steps >= 10_000
