"""The motion in the demo: facts about the customers, the plays live, and for each preset one account where it fires or is held back."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from django.db.models import Prefetch

from billing.models import ContractLine, Customer, LegalEntity, Product
from billing.operations.billing_run import bill
from dealops.accounts.models import User
from expansion.demo import offers
from expansion.demo.contracts import Signing, sign
from expansion.domain.motion.presets import EVERY
from expansion.models import Commitment, Deal, ProductFacts, ProductRelation
from expansion.operations import facts, motion, plays, signals, usage
from expansion.operations.facts import Seen

# product: (capabilities, seat cap, percent of the base that has to be in use first)
PRODUCTS: dict[str, tuple[list[str], int | None, int | None]] = {
    "starter": (["capture"], 5, None),
    "team": (["capture", "sharing"], 120, None),
    "business": (["capture", "sharing", "routing"], None, None),
    "enterprise": (["capture", "sharing", "routing", "audit"], None, None),
    "route-analytics": (["reporting", "forecast"], None, 60),
    "scheduler": (["scheduling"], None, 50),
    "api-access": (["integration"], None, None),
    "premium-support": (["fast-help"], None, None),
    "onboarding": ([], None, None),
    "training-day": ([], None, None),
}
CAN_PAUSE = frozenset({"starter"})
RELATIONS = (
    ("team", "route-analytics", "complements"), ("team", "scheduler", "complements"), ("business", "api-access", "complements"),
    ("enterprise", "premium-support", "complements"), ("starter", "training-day", "complements"), ("onboarding", "training-day", "part_of"),
)  # fmt: skip
GOALS = (
    ("Plan every route the day before", ["scheduling"]), ("Show the board live figures", ["reporting"]),
    ("End the copying between systems", ["integration"]), ("Get answers within the hour", ["fast-help"]),
)  # fmt: skip
INDUSTRIES = ("Logistics", "Retail", "Manufacturing", "Health", "Hospitality", "Energy")
DEPARTMENTS = ("Dispatch", "Planning", "Warehouse", "Finance")
SOURCE = "feed"
PILOT_NUMBER = "CU-1121"
TOLD = frozenset({"CU-1042", PILOT_NUMBER})
PILOT = Signing(
    number=1121, customer_number=1121, customer="Harbor Lights Clinics", entity="northbeam-us", currency="USD", start=date(2026, 6, 16),
    end=date(2026, 9, 1), months=1, lines=(("team", 15),), owner="sam", success="carl", health=84, seats_used=12, country="US",
)  # fmt: skip


def load(people: Mapping[str, User], *, on: date) -> None:
    """Everything, through the ordinary operations; the same every time. Brightwave is told by hand, the others by the dice."""
    at = datetime.combine(on, time(7, 30), UTC)
    _products()
    dice = random.Random(7)  # noqa: S311 - the same demo every time
    _pilot(people, on, at)
    deals = Prefetch("deals", Deal.objects.order_by("pk"))
    customers = {c.number: c for c in Customer.objects.select_related("legal_entity").prefetch_related(deals).order_by("number")}
    rows: list[usage.Row] = []
    for customer in customers.values():
        rows += _ordinary(customer, dice, on, at)
    _brightwave(customers["CU-1042"], on, at)
    rows = [row for row in rows if row.customer != "CU-1042"] + _brightwave_usage(on)
    usage.record_usage(rows=rows, source=SOURCE, on=on, at=at)
    for customer, act in _cast():
        act(customer, on, at)
    _tm4(customers[PILOT_NUMBER], on, at)
    _plays(people["rhea"], on, at)
    offers.tick_off(on=on)
    motion.hour(on=on, at=at)
    offers.load(on=on, at=at)
    # Whoever has an offer open, or said no lately, is held back from the first look on.
    signals.run(on=on, at=at)


def _products() -> None:
    codes = {product.code: product for product in Product.objects.all()}
    ProductFacts.objects.bulk_create(
        ProductFacts(product=codes[code], capabilities=capabilities, seat_cap=cap, min_adoption=adoption, can_pause=code in CAN_PAUSE)
        for code, (capabilities, cap, adoption) in PRODUCTS.items()
    )
    ProductRelation.objects.bulk_create(
        ProductRelation(product=codes[one], other=codes[other], kind=kind, state="approved") for one, other, kind in RELATIONS
    )


def _ordinary(customer: Customer, dice: random.Random, on: date, at: datetime) -> list[usage.Row]:
    """Profile, people, health and use of any customer; nothing that would fire by itself."""
    health = dice.choice((None, 42, 55, 61, 68, 74, 79, 83, 88, 91))
    if customer.number != "CU-1042":
        health = next((deal.health for deal in customer.deals.all() if deal.health is not None), health)
        facts.set_profile(
            customer=customer, at=at, industry=dice.choice(INDUSTRIES), size=dice.choice((20, 45, 80, 150, 400)), lifecycle="adoption",
            ownership=dice.choice(("account_manager", "account_manager", "sales_rep", "support_led")),
            onboarding_done_on=on - timedelta(days=dice.randrange(120, 400)), onboarding_score=dice.randrange(60, 99),
        )  # fmt: skip
        drivers = [{"name": "Use", "effect": "+", "words": "Steady use"}, {"name": "Support", "effect": "-", "words": "A few tickets"}]
        if health is not None:
            facts.record_health(customer=customer, score=health, drivers=drivers, day=on - timedelta(days=1), source=SOURCE, at=at)
        facts.know_contact(customer=customer, name=f"{dice.choice(('Ines', 'Paul', 'Mara', 'Tom'))} {customer.name.split()[0]}",
                           department=dice.choice(DEPARTMENTS), position="Head of operations", owns_budget=True)  # fmt: skip
    share = dice.choice((45, 58, 66, 72, 78, 84))
    seats = _seats(customer, on)
    return [
        usage.Row(customer.number, code, on - timedelta(days=back), (quantity * share / 100).to_integral_value())
        for code, quantity in seats.items()
        for back in (50, 36, 22, 8, 1)
    ]


def _seats(customer: Customer, on: date) -> dict[str, Decimal]:
    lines = ContractLine.objects.filter(contract__customer=customer, removed_in__isnull=True, product__unit="seat", starts__lte=on)
    found: dict[str, Decimal] = {}
    for code, quantity in lines.exclude(ends__lte=on).values_list("product__code", "quantity"):
        found[code] = found.get(code, Decimal(0)) + quantity
    return found


def _brightwave(customer: Customer, on: date, at: datetime) -> None:
    """Healthy at 82, onboarded, a first result in March: ready to be asked."""
    facts.set_profile(
        customer=customer, at=at, industry="Logistics", size=64, lifecycle="value", ownership="account_manager",
        first_sale_on=date(2026, 1, 1), onboarding_done_on=date(2026, 2, 6), onboarding_score=88,
    )  # fmt: skip
    drivers = [
        {"name": "Use", "effect": "+", "words": "19 of 20 seats in use"},
        {"name": "Results", "effect": "+", "words": "First result in March"},
        {"name": "Support", "effect": "-", "words": "Two tickets in May"},
    ]  # fmt: skip
    for day, score in ((date(2026, 4, 14), 76), (date(2026, 5, 12), 79), (on - timedelta(days=1), 82)):
        facts.record_health(customer=customer, score=score, drivers=drivers, day=day, source=SOURCE, at=at)
    facts.reach_milestone(customer=customer, kind="first_result", day=date(2026, 3, 18), on=on, source=SOURCE, at=at,
                          words="Late deliveries down by a fifth")  # fmt: skip
    facts.know_contact(customer=customer, name="Dana Price", department="Dispatch", position="Head of dispatch", owns_budget=True)
    facts.set_goal(customer=customer, title="Take on the northern depot without overtime", at=at, metric="Overtime hours", weight=2)
    for n, day in enumerate((date(2026, 5, 6), date(2026, 5, 20))):
        facts.record_support(customer=customer, reference=f"BW-{n}", kind="ticket", day=day, on=on, source=SOURCE, closed_on=day)


def _brightwave_usage(on: date) -> list[usage.Row]:
    """17 of 20 in April, 19 since the ninth of June (K04: 95 %)."""
    counts = ((date(2026, 4, 28), 17), (date(2026, 5, 12), 17), (date(2026, 5, 26), 17), (date(2026, 6, 2), 17))
    since = [(date(2026, 6, 9), 19), (date(2026, 6, 12), 19), (on - timedelta(days=1), 19), (on, 19)]
    return [usage.Row("CU-1042", "team", day, Decimal(count)) for day, count in (*counts, *since)]


def _cast() -> list[tuple[Customer, Callable[[Customer, date, datetime], None]]]:
    """Who plays which preset: for each the first customer by number that fits and plays nothing yet."""
    owned: dict[str, set[str]] = {}
    lines = ContractLine.objects.filter(removed_in__isnull=True, is_recurring=True).order_by("contract__customer__number")
    for number, code in lines.values_list("contract__customer__number", "product__code"):
        owned.setdefault(number, set()).add(code)
    free = {number: codes for number, codes in owned.items() if number not in TOLD}
    chosen: list[tuple[str, Callable[[Customer, date, datetime], None]]] = []
    for act, plans, addons, lacks in ACTS:
        fits = (n for n, codes in free.items() if codes & plans and addons(len(codes - ANY_PLAN)) and lacks not in codes)
        number = next(fits, None)
        if number:
            free.pop(number)
            chosen.append((number, act))
    customers = {c.number: c for c in Customer.objects.filter(number__in=[n for n, _ in chosen]).select_related("legal_entity")}
    return [(customers[number], act) for number, act in chosen]


def _pilot(people: Mapping[str, User], on: date, at: datetime) -> Customer:
    """A pilot that ends in eleven weeks, so that the renewal has something to say."""
    entities = {entity.code: entity for entity in LegalEntity.objects.all()}
    deal = sign(PILOT, entities=entities, products={p.code: p for p in Product.objects.all()}, people=people, at=at)
    bill(on=on, at=at, entity=entities[PILOT.entity])
    return deal.customer


def _ready(customer: Customer, on: date, at: datetime, *, score: int = 84) -> None:
    """Healthy, onboarded, with a result of some time ago."""
    facts.record_health(customer=customer, score=score, drivers=[], day=on, source=SOURCE, at=at)
    facts.reach_milestone(customer=customer, kind="kpi", day=on - timedelta(days=60), on=on, source=SOURCE, at=at)


def _goal(customer: Customer, at: datetime, place: int) -> None:
    title, capabilities = GOALS[place]
    facts.set_goal(customer=customer, title=title, capabilities=capabilities, at=at)


def _asked(customer: Customer, at: datetime, problem: str, product: str, reference: str) -> None:
    answers = {"problem": problem, "goal": "Finish the day's work in the day", "team_size": 12, "timeline": "this quarter"}
    facts.record_intake(
        customer=customer, reference=f"IN-{reference}", source="form", answers=answers, at=at, product=facts.product_of(product)
    )


def _viewed(customer: Customer, kind: str, times: int, on: date, *, department: str = "", back: int = 2, product: str = "") -> None:
    for n in range(times):
        at = datetime.combine(on - timedelta(days=back + n % 5), time(10, n), UTC)
        seen = Seen(customer.number, f"{customer.number}-{kind}-{department}-{back}-{n}", f"{kind.replace('_', ' ')} page", kind, at,
                    "A visitor", department, product)  # fmt: skip
        facts.record_engagement(seen=seen, source=SOURCE, now=at)


def _w1(customer: Customer, on: date, at: datetime) -> None:
    _ready(customer, on, at)
    _asked(customer, at, "Drivers phone in because nobody plans the next day", "scheduler", "W1")


def _w2(customer: Customer, on: date, at: datetime) -> None:
    _ready(customer, on, at)
    facts.reach_milestone(
        customer=customer, kind="usage", day=on - timedelta(days=5), on=on, source=SOURCE, at=at, words="1,000 routes planned"
    )


def _w3(customer: Customer, on: date, at: datetime) -> None:
    """Seats in use, an add-on asleep."""
    _ready(customer, on, at)
    addon = ContractLine.objects.filter(contract__customer=customer, removed_in__isnull=True, product__unit="licence").select_related(
        "product"
    )
    rows = [usage.Row(customer.number, line.product.code, on, Decimal(0)) for line in addon.order_by("pk")[:1]]
    usage.record_usage(rows=rows, source=SOURCE, on=on, at=at)
    _goal(customer, at, 1)


def _w4(customer: Customer, on: date, at: datetime) -> None:
    _ready(customer, on, at)
    _viewed(customer, "comparison", 2, on)


def _tm1(customer: Customer, on: date, at: datetime) -> None:
    _ready(customer, on, at)
    facts.set_profile(customer=customer, at=at, onboarding_done_on=on - timedelta(days=9))
    _goal(customer, at, 2)


def _tm3(customer: Customer, on: date, at: datetime) -> None:
    _ready(customer, on, at)
    facts.reach_milestone(customer=customer, kind="result_achieved", day=on - timedelta(days=4), on=on, source=SOURCE, at=at)
    _goal(customer, at, 3)


def _tm4(customer: Customer, on: date, at: datetime) -> None:
    _ready(customer, on, at)


def _tm5(customer: Customer, on: date, at: datetime) -> None:
    _ready(customer, on, at)
    _rated(customer, on)
    _goal(customer, at, 0)


def _tm5_held(customer: Customer, on: date, at: datetime) -> None:
    """As happy with support, but unwell: the same play is held back by health."""
    facts.record_health(customer=customer, score=42, drivers=[], day=on, source=SOURCE, at=at)
    _rated(customer, on)
    _goal(customer, at, 0)


def _rated(customer: Customer, on: date) -> None:
    facts.record_support(customer=customer, reference=f"R-{customer.number}", kind="rating", day=on - timedelta(days=3), on=on,
                         source=SOURCE,
                         rating=Decimal("4.8"), rating_of=5)  # fmt: skip


def _said(customer: Customer, kind: str, on: date, words: str) -> None:
    facts.record_support(customer=customer, reference=f"{kind}-{customer.number}", kind=kind, day=on - timedelta(days=2), on=on,
                         source=SOURCE,
                         words=words)  # fmt: skip


def _tm6(customer: Customer, on: date, at: datetime) -> None:
    _said(customer, "cancel_request", on, "We are closing two branches and want to stop at the end of the quarter.")


def _tm6_price(customer: Customer, on: date, at: datetime) -> None:
    _said(customer, "price_complaint", on, "We pay for features nobody opens.")


def _tm6_use(customer: Customer, on: date, at: datetime) -> None:
    """Half the use of a month ago."""
    rows = [
        usage.Row(customer.number, code, on, (quantity * 25 / 100).to_integral_value()) for code, quantity in _seats(customer, on).items()
    ]
    usage.record_usage(rows=rows, source=SOURCE, on=on, at=at)


def _tm6_absence(customer: Customer, on: date, at: datetime) -> None:
    _viewed(customer, "adoption_guide", 2, on, back=38)


def _tm7(customer: Customer, on: date, at: datetime) -> None:
    _ready(customer, on, at)
    facts.set_profile(customer=customer, at=at, first_sale_on=on - timedelta(days=30))
    _goal(customer, at, 1)


def _dsr1(customer: Customer, on: date, at: datetime) -> None:
    _ready(customer, on, at)
    _viewed(customer, "higher_plan", 4, on)


def _dsr2(customer: Customer, on: date, at: datetime) -> None:
    _ready(customer, on, at)
    _viewed(customer, "module_intro", 1, on, department="Customer service", product="route-analytics")
    _goal(customer, at, 1)


def _dsr3(customer: Customer, on: date, at: datetime) -> None:
    _ready(customer, on, at)
    _viewed(customer, "adoption_guide", 2, on, back=18)
    _viewed(customer, "adoption_guide", 5, on)
    rows = [
        usage.Row(customer.number, code, on, (quantity * 88 / 100).to_integral_value()) for code, quantity in _seats(customer, on).items()
    ]
    usage.record_usage(rows=rows, source=SOURCE, on=on, at=at)


def _full(customer: Customer, on: date, at: datetime) -> None:
    """Every seat in use, but a person called the account red."""
    rows = [usage.Row(customer.number, code, on, quantity) for code, quantity in _seats(customer, on).items()]
    usage.record_usage(rows=rows, source=SOURCE, on=on, at=at)
    facts.record_health(customer=customer, score=75, drivers=[], day=on, source=SOURCE, at=at)
    carl = User.objects.get(email="carl.moss@demo.example")
    facts.override_health(customer=customer, colour="red", reason="Their champion left last week.", by=carl, now=at)


def _commitment(customer: Customer, on: date, at: datetime) -> None:
    """A year's commitment of a million units, 620,000 of them used on day 200 (K05)."""
    _ready(customer, on, at)
    product = Product.objects.get(code="api-access")
    start = on - timedelta(days=200)
    Commitment.objects.create(customer=customer, product=product, units=Decimal(1_000_000), start=start, end=start + timedelta(days=365))
    row = usage.Row(customer.number, "api-access", on - timedelta(days=1), Decimal(620_000), kind="consumed")
    usage.record_usage(rows=[row], source=SOURCE, on=on, at=at)


def _some(count: int) -> bool:
    return count > 0


def _none(count: int) -> bool:
    return count == 0


def _any(count: int) -> bool:
    return True


LOWER = frozenset({"starter", "team", "business"})
ANY_PLAN = LOWER | {"enterprise"}
# The act, the plans it fits, how many add-ons, and the product the customer must not have.
ACTS: tuple[tuple[Callable[[Customer, date, datetime], None], frozenset[str], Callable[[int], bool], str], ...] = (
    (_w1, ANY_PLAN, _none, "scheduler"),
    (_w2, frozenset({"starter", "team"}), _any, ""),
    (_w3, ANY_PLAN, _some, "route-analytics"),
    (_w4, LOWER, _some, ""),
    (_tm1, ANY_PLAN, _any, "api-access"),
    (_tm3, LOWER, _any, "premium-support"),
    (_tm5, ANY_PLAN, _any, "scheduler"),
    (_tm5_held, ANY_PLAN, _any, "scheduler"),
    (_tm6, LOWER, _any, ""),
    (_tm6_price, LOWER, _any, ""),
    (_tm6_use, LOWER, _any, ""),
    (_tm6_absence, ANY_PLAN, _any, ""),
    (_tm7, ANY_PLAN, _any, "route-analytics"),
    (_dsr1, LOWER, _any, ""),
    (_dsr2, ANY_PLAN, _any, "route-analytics"),
    (_dsr3, LOWER, _any, ""),
    (_full, LOWER, _any, ""),
    (_commitment, ANY_PLAN, _any, ""),
)


def _plays(by: User, on: date, at: datetime) -> None:
    """Every preset live, tried on the past first, the way RevOps does it."""
    past = plays.past(on)
    for code in EVERY:
        version = plays.start_from_preset(code=code, by=by, now=at)
        plays.back_test(version_id=version.pk, on=on, by=by, now=at, past_days=past)
        plays.go_live(version_id=version.pk, by=by, now=at)
