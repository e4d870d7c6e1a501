"""Everything the plays know about one customer on one day, as plain values. None means unknown, and unknown is never good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from expansion.domain.motion.use import CommitTrend, share
from expansion.domain.motion.white_space import Need, WhiteSpace, white_space

ADOPTED = Fraction(6, 10)


@dataclass(frozen=True, slots=True)
class Owned:
    """A product on the customer's contracts today. `price` is one unit's price per month; `cap` is the most seats the plan allows."""

    product: str
    name: str
    family: str
    tier: int
    unit: str
    quantity: Decimal
    since: date
    price: Decimal
    currency: str
    cap: int | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """Active licences of a product: the newest count, the one of 30 days before, its day, how many departments, the newest department."""

    product: str
    used: Decimal
    before: Decimal | None
    as_of: date
    departments: tuple[str, ...] = ()
    new_department: str = ""
    over_since: date | None = None


@dataclass(frozen=True, slots=True)
class Views:
    """Engagement of one kind: how often in the last 14 days and in the 14 before, by which departments, the last day."""

    recent: int
    before: int
    departments: tuple[str, ...]
    last: date


@dataclass(frozen=True, slots=True)
class ProductTrait:
    """What the catalogue knows about a product beyond its price."""

    code: str
    name: str
    family: str
    tier: int = 0
    capabilities: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    min_adoption: Fraction | None = None
    cap: int | None = None
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    can_pause: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    number: str
    name: str
    segment: str = ""
    country: str = ""
    industry: str = ""
    size: int | None = None
    positions: tuple[str, ...] = ()
    owner_model: str = ""
    stage: str = "existing"
    owned: tuple[Owned, ...] = ()
    use: Mapping[str, Use] = field(default_factory=dict)
    trends: Mapping[str, CommitTrend] = field(default_factory=dict)
    health: int | None = None
    colour: str = ""
    onboarding_done: date | None = None
    milestones: tuple[tuple[str, date], ...] = ()
    term_end: date | None = None
    first_sale: date | None = None
    open_severity_one: int = 0
    overdue_days: int = 0
    rating: tuple[Fraction, date] | None = None
    cancel_request: date | None = None
    price_complaint: date | None = None
    support_load: Fraction | None = None
    load_limit: Fraction | None = None
    views: Mapping[str, Views] = field(default_factory=dict)
    last_access: date | None = None
    logged: Mapping[str, date] = field(default_factory=dict)
    asked_problem: str = ""
    asked_product: str = ""
    asked_on: date | None = None
    needs: tuple[Need, ...] = ()
    related: tuple[str, ...] = ()
    removed_soon: tuple[str, ...] = ()
    open_offer: bool = False
    last_no: date | None = None
    # Of all customers together in the last seven days, and how many there may be; None is no limit (S3-01).
    offers_this_week: int = 0
    weekly_cap: int | None = None
    products: Mapping[str, ProductTrait] = field(default_factory=dict)

    def owns(self, product: str) -> bool:
        return any(owned.product == product for owned in self.owned)

    @property
    def plan(self) -> Owned | None:
        """The highest plan of the ladder, or None when there are add-ons only."""
        plans = [owned for owned in self.owned if owned.tier]
        return max(plans, key=lambda owned: owned.tier, default=None)

    @property
    def mrr(self) -> Decimal:
        return sum((owned.quantity * owned.price for owned in self.owned), Decimal(0))

    def share(self, product: str) -> Fraction | None:
        """Utilisation of an owned product, or None when it is not counted."""
        owned, use = next((o for o in self.owned if o.product == product), None), self.use.get(product)
        return share(use.used, owned.quantity) if owned and use else None

    @property
    def adopted(self) -> tuple[str, ...]:
        """Owned products of which at least 60 % are in use; what is not counted is not adopted."""
        return tuple(o.product for o in self.owned if (self.share(o.product) or 0) >= ADOPTED)

    @property
    def gap(self) -> WhiteSpace:
        provides = {} if not self.needs else {trait.code: trait.capabilities for trait in self.products.values()}
        return white_space(
            needs=self.needs, owned=[o.product for o in self.owned], adopted=self.adopted if self.needs else (), provides=provides
        )
