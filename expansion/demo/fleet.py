"""The rest of the portfolio: some sixty customers and eighty contracts, the same ones every time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date

from expansion.demo.contracts import Signing

UK = (
    "Alderney Foods", "Ashdown Freight", "Bellweather Retail", "Calder Engineering", "Croft & Hale", "Dunmore Clinics", "Eastgate Homes",
    "Fairlight Media", "Greenwich Optics", "Hartwell Tools", "Iona Fisheries", "Juniper Studios", "Kestrel Couriers", "Langford Print",
    "Marlow Marine", "Newbury Textiles", "Orchard Lane Schools", "Penrose Labs", "Quayside Hotels", "Rowan Pharma", "Saltmarsh Energy",
    "Tamar Dairies", "Upton Legal", "Vale Logistics", "Westbrook Dental",
)  # fmt: skip
US = (
    "Aspen Outfitters", "Blue Mesa Health", "Cascade Foods", "Dover Analytics", "Elk River Supply", "Fairmont Hotels Group",
    "Golden Gate Robotics", "Hudson Freight", "Ironwood Capital", "Juneau Fisheries", "Keystone Motors", "Lakeshore Clinics",
    "Mesa Verde Solar", "North Fork Brewing", "Ozark Timber", "Palmetto Shipping",
)  # fmt: skip
EU = (
    "Alster Werke", "Brügge Textil", "Cordoba Viajes", "Delft Instruments", "Elbe Spedition", "Fjord Seafood", "Garonne Chimie",
    "Havel Druck", "Isar Medizin", "Jura Uhren", "Kölner Backhaus", "Lombardia Moda", "Mosel Wein",
)  # fmt: skip
JP = ("Akagi Seiki", "Fuji Denshi", "Hakone Ryokan", "Kamogawa Foods", "Minato Trading", "Sakura Kensetsu")
ADD_ONS = ("route-analytics", "scheduler", "api-access", "premium-support")


def portfolio() -> Iterator[Signing]:
    """Every contract but the story's, in the order they were numbered."""
    dice = random.Random(2026)  # noqa: S311 - the same demo every time
    yield from _uk(dice)
    number = 1060
    for names, entity, currency, country, owner, success, count in (
        (US, "northbeam-us", "USD", "US", "sam", "carl", 22),
        (EU, "northbeam-eu", "EUR", "DE", "yuki", "nina", 20),
        (JP, "northbeam-us", "JPY", "JP", "yuki", "carl", 10),
    ):
        for place in range(count):
            name = names[place % len(names)]
            months = dice.choice((1, 1, 3, 12))
            start = _start(dice, months)
            yield _signing(
                dice,
                number,
                number if place < len(names) else number - len(names),
                name,
                entity,
                currency,
                country,
                owner,
                success,
                months,
                start,
            )
            number += 1


def _uk(dice: random.Random) -> Iterator[Signing]:
    """Northbeam's home market. Counted so that 130 invoices of 2026 are out by the story's morning, Brightwave's June one the 117th."""
    plan = (
        *[(1031 + n, 1, date(2024 + n % 2, 7 + n % 6, 1)) for n in range(10)],
        *[(1043 + n, 1, date(2024 + n % 2, 7 + n % 6, 1)) for n in range(9)],
        (1021, 3, date(2024, 7, 1)),
        (1022, 3, date(2024, 10, 1)),
        (1023, 12, date(2025, 2, 1)),
        (1024, 12, date(2025, 5, 1)),
        (1025, 12, date(2025, 6, 3)),
        (1026, 12, date(2024, 6, 8)),
        (1027, 12, date(2025, 6, 10)),
        (1028, 12, date(2024, 6, 15)),
    )
    for place, (number, months, start) in enumerate(sorted(plan)):
        name = UK[place % len(UK)]
        yield _signing(dice, number, 1000 + place % len(UK), name, "northbeam-uk", "GBP", "GB", "ada", "carl", months, start)


def _start(dice: random.Random, months: int) -> date:
    month = dice.randrange(24)
    return date(2024 + (6 + month) // 12, (6 + month) % 12 + 1, dice.choice((1, 1, 1, 15) if months > 1 else (1,)))


def _signing(
    dice: random.Random, number: int, customer_number: int, name: str, entity: str, currency: str, country: str, owner: str, success: str,
    months: int, start: date,
) -> Signing:  # fmt: skip
    seats = dice.choice((5, 8, 10, 12, 15, 20, 25, 30, 40, 60, 80, 120))
    plan = dice.choice(("starter", "team", "team", "business", "enterprise"))
    lines = [(plan, seats), *[(code, 1) for code in dice.sample(ADD_ONS, dice.choice((0, 0, 1, 1, 2)))]]
    return Signing(
        number=number,
        customer_number=customer_number,
        customer=name,
        entity=entity,
        currency=currency,
        start=start,
        end=start.replace(year=start.year + 3),
        months=months,
        lines=lines,
        owner=owner,
        success=success,
        segment="enterprise" if seats >= 80 else "self-serve" if seats <= 8 else "",
        health=dice.choice((None, 42, 55, 61, 68, 74, 79, 83, 88, 91)),
        seats_used=round(seats * dice.choice((40, 55, 62, 70, 78, 85, 91, 96)) / 100),
        country=country,
    )
