"""The list of accounts and everything known about one (S18). Unknown is never green, and old data says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Max, Min, Q, Sum

from billing.models import Customer
from dealops.accounts.models import User
from expansion.domain.health import Band, band
from expansion.domain.motion import chooser, windows
from expansion.domain.motion.account import Account, Use
from expansion.domain.motion.kinds import ENGAGEMENT_KINDS, MILESTONE_KINDS
from expansion.domain.motion.use import THRESHOLD, percent, percent_words
from expansion.models import (
    AccountProfile,
    Adoption,
    Contact,
    Deal,
    EngagementEvent,
    Goal,
    HealthOverride,
    HealthReading,
    Milestone,
    Offer,
    Signal,
    SupportEvent,
)
from expansion.queries.facts import snapshots
from expansion.scope import visible

PAGE_SIZE = 50
# A feed that has said nothing for longer is stale, and says so.
FRESH_DAYS = 2
COLOURS = {"red": ("Red", "bad"), "amber": ("Amber", "wait"), "green": ("Green", "ok")}


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One line of the list."""

    customer: Customer
    mrr: Decimal | None
    currency: str
    health: int | None
    band: Band
    signals: int


def accounts(user: User, *, search: str, after: str) -> tuple[list[AccountRow], str]:
    """Customers with an open deal by name, fifty a page, and the cursor of the next page. Two queries."""
    mine = visible(user, Customer.objects.filter(deals__is_open=True))
    if search.strip():
        mine = mine.filter(Q(name__icontains=search.strip()[:100]) | Q(number__iexact=search.strip()[:40]))
    if after:
        mine = mine.filter(number__gt=after[:40])
    mine = mine.annotate(mrr=Sum("deals__mrr", filter=Q(deals__is_open=True)), health=Min("deals__health"))
    mine = mine.annotate(money=Max("deals__contract__currency"), currencies=Min("deals__contract__currency"))
    rows = list(mine.order_by("number")[: PAGE_SIZE + 1])
    waiting: dict[int, int] = {}
    for customer in Signal.objects.filter(customer__in=[c.pk for c in rows], state=Signal.State.OPEN).values_list("customer", flat=True):
        waiting[customer] = waiting.get(customer, 0) + 1
    found = [
        AccountRow(c, c.mrr if c.money == c.currencies else None, c.money or "", c.health, band(c.health), waiting.get(c.pk, 0))
        for c in rows[:PAGE_SIZE]
    ]
    return found, rows[PAGE_SIZE - 1].number if len(rows) > PAGE_SIZE else ""


@dataclass(frozen=True, slots=True)
class Used:
    """Use of one owned product: `share` in percent with one place, None when nothing is counted."""

    name: str
    bought: Decimal
    use: Use | None
    share: Decimal | None
    words: str
    is_high: bool
    is_stale: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """One product of the white-space matrix and its answers to the four questions."""

    name: str
    bought: str
    goal: str
    unsupported: str
    closes: str
    tone: str


@dataclass(frozen=True, slots=True)
class Window:
    """A span of days in which it is a good time to talk; `is_now` says that today lies inside."""

    title: str
    first: date
    last: date
    is_now: bool
    words: str


@dataclass(frozen=True, slots=True)
class AccountPage:
    """Everything the page shows."""

    account: Account
    profile: AccountProfile | None
    health: HealthReading | None
    trend: tuple[HealthReading, ...]
    override: HealthOverride | None
    band: Band
    used: tuple[Used, ...]
    matrix: tuple[Cell, ...]
    goals: tuple[Goal, ...]
    milestones: tuple[Milestone, ...]
    windows: tuple[Window, ...]
    contacts: tuple[tuple[str, tuple[Contact, ...]], ...]
    engagement: tuple[EngagementEvent, ...]
    support: tuple[SupportEvent, ...]
    adoptions: tuple[Adoption, ...]
    signals: tuple[Signal, ...]
    offers: tuple[Offer, ...]
    deals: tuple[Deal, ...]
    advice: chooser.Advice


def account_page(customer: Customer, *, on: date) -> AccountPage:
    """A fixed number of queries. A customer without a contract is shown with what is known."""
    account = snapshots(on=on, customers=[customer.pk]).get(customer.pk) or Account(customer.number, customer.name)
    readings = tuple(HealthReading.objects.filter(customer=customer, day__lte=on).order_by("-day")[:6])
    override = HealthOverride.objects.filter(customer=customer, lifted_at__isnull=True).select_related("by").first()
    health = readings[0] if readings else None
    return AccountPage(
        account=account, profile=AccountProfile.objects.filter(customer=customer).first(), health=health, trend=readings,
        override=override, band=_band(health, override), used=_used(account, on), matrix=_matrix(account),
        goals=tuple(Goal.objects.filter(customer=customer).order_by("state", "-weight", "pk")),
        milestones=tuple(Milestone.objects.filter(customer=customer, day__lte=on).order_by("-day")[:12]),
        windows=_windows(account, on), contacts=_by_department(customer),
        engagement=tuple(EngagementEvent.objects.filter(customer=customer).select_related("product").order_by("-at")[:8]),
        support=tuple(SupportEvent.objects.filter(customer=customer, day__lte=on).order_by("-day")[:8]),
        adoptions=tuple(Adoption.objects.filter(customer=customer).select_related("change").order_by("-applied_on")[:4]),
        signals=tuple(
            Signal.objects.filter(customer=customer, state__in=["open", "held"]).select_related("customer", "product").order_by("-pk")[:6]
        ),
        offers=tuple(Offer.objects.filter(customer=customer).select_related("product", "shown_by").order_by("-shown_at")[:6]),
        deals=tuple(Deal.objects.filter(customer=customer).select_related("contract", "owner", "success_manager").order_by("-mrr")),
        advice=chooser.advise(account, on),
    )  # fmt: skip


def _band(health: HealthReading | None, override: HealthOverride | None) -> Band:
    """A person's colour stands above the score (K23)."""
    if override is None:
        return band(health.score if health else None)
    word, tone = COLOURS[override.colour]
    return Band(word, tone, f"{override.by} says so: {override.reason}")


def _used(account: Account, on: date) -> tuple[Used, ...]:
    shown = []
    for owned in account.owned:
        use, share = account.use.get(owned.product), account.share(owned.product)
        unit = f"{owned.unit}s"
        words = (
            f"{use.used.normalize():f} of {owned.quantity.normalize():f} {unit} ({percent_words(share)})"
            if use and share is not None
            else f"{owned.quantity.normalize():f} {unit} bought, use not counted"
        )
        stale = use is not None and (on - use.as_of).days > FRESH_DAYS
        shown.append(
            Used(
                owned.name,
                owned.quantity,
                use,
                percent(share) if share is not None else None,
                words,
                share is not None and share >= THRESHOLD,
                stale,
            )
        )
    return tuple(shown)


def _matrix(account: Account) -> tuple[Cell, ...]:
    """Every product of the catalogue against the four questions: bought? which goal? what is not supported? does it close the gap?"""
    gap = account.gap
    closing = {candidate.product: candidate for candidate in gap.closing}
    cells = []
    for trait in sorted(
        account.products.values(), key=lambda t: (not account.owns(t.code), t.code not in closing, t.code not in account.related, t.name)
    ):
        best, goals = closing.get(trait.code), _goals(account, trait.capabilities)
        if account.owns(trait.code):
            asleep = trait.code in gap.adopt
            cells.append(Cell(trait.name, "Yes", goals, "–", "Owned; help them use it" if asleep else "Owned", "wait" if asleep else "ok"))
        elif best:
            cells.append(Cell(trait.name, "No", ", ".join(best.goals), ", ".join(best.closes), "Closes the gap", "brand"))
        elif trait.code in account.related:
            cells.append(Cell(trait.name, "No", goals, "–", "Often bought with what they own", "info"))
        else:
            cells.append(Cell(trait.name, "No", goals, "–", "No goal asks for it", "quiet"))
    return tuple(cells)


def _goals(account: Account, capabilities: Iterable[str]) -> str:
    have = set(capabilities)
    return ", ".join(need.goal for need in account.needs if have & set(need.capabilities)) or "–"


def _windows(account: Account, on: date) -> tuple[Window, ...]:
    found = []
    if account.first_sale:
        first, last = windows.post_purchase(account.first_sale)
        found.append(Window("Three to six weeks after the purchase", first, last, first <= on <= last, "Check in; ask what comes next."))
    if account.term_end:
        first, last = account.term_end - timedelta(days=windows.RENEWAL[0]), account.term_end - timedelta(days=windows.RENEWAL[1])
        found.append(Window("Before the renewal", first, last, first <= on <= last, f"The term ends before {account.term_end:%-d %b %Y}."))
    if account.onboarding_done:
        last = account.onboarding_done + timedelta(days=windows.AFTER_ONBOARDING)
        found.append(
            Window("After onboarding", account.onboarding_done, last, account.onboarding_done <= on <= last, "The team is set up.")
        )
    for code, trend in account.trends.items():
        left = trend.days_to_cap
        if trend.fires and left is not None:
            end = on + timedelta(days=left)
            found.append(Window(f"Commitment of {code} runs out", on, end, True, f"Used up in {left} days at today's pace."))
    return tuple(found)


def _by_department(customer: Customer) -> tuple[tuple[str, tuple[Contact, ...]], ...]:
    found: dict[str, list[Contact]] = {}
    for contact in Contact.objects.filter(customer=customer).order_by("department", "name"):
        found.setdefault(contact.department or "No department", []).append(contact)
    return tuple((name, tuple(people)) for name, people in found.items())


def milestone_words(milestone: Milestone) -> str:
    return MILESTONE_KINDS.get(milestone.kind, milestone.kind.replace("_", " ").capitalize())


def engagement_words(event: EngagementEvent) -> str:
    return ENGAGEMENT_KINDS.get(event.kind, event.kind)


def story_of(found: AccountPage) -> Sequence[tuple[date, str, str]]:
    """What went well, newest first: (day, title, words)."""
    rows: list[tuple[date, str, str]] = [(m.day, milestone_words(m), m.words) for m in found.milestones]
    if found.account.onboarding_done:
        rows.append((found.account.onboarding_done, "Onboarding done", ""))
    if found.account.first_sale:
        rows.append((found.account.first_sale, "First sale", ""))
    return sorted(rows, reverse=True)
