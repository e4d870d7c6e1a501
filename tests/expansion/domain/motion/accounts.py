"""Accounts for the tables: ready for anything, with one thing changed at a time."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from expansion.domain.motion.account import Account, Owned, ProductTrait, Use

ON = date(2026, 6, 16)
PRODUCTS = {
    "starter": ProductTrait("starter", "Starter", "core", 1, ("capture",), cap=5, prices={"GBP": Decimal(20)}),
    "team": ProductTrait("team", "Team", "core", 2, ("capture",), prices={"GBP": Decimal(50)}),
    "business": ProductTrait("business", "Business", "core", 3, ("routing",), prices={"GBP": Decimal(80)}),
    "scheduler": ProductTrait(
        "scheduler", "Scheduler", "scheduling", 0, ("scheduling",), min_adoption=Fraction(1, 2), prices={"GBP": Decimal(180)}
    ),
    "addon": ProductTrait("addon", "Add-on", "addon", 0, (), requires=("scheduler",)),
}


def team(quantity=20):
    return Owned("team", "Team", "core", 2, "seat", Decimal(quantity), date(2026, 1, 1), Decimal(50), "GBP")


def used(count=19, before=17):
    return {"team": Use("team", Decimal(count), Decimal(before), ON, over_since=date(2026, 6, 9))}


READY = Account(
    "CU-1042", "Brightwave Logistics", owned=(team(),), use=used(), health=82, onboarding_done=date(2026, 2, 6),
    milestones=(("first_result", date(2026, 3, 18)),), first_sale=date(2026, 1, 1), term_end=date(2027, 1, 1), products=PRODUCTS,
)  # fmt: skip


def ready(**facts):
    return replace(READY, **facts)
