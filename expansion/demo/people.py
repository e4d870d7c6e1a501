"""Who lives in the demo. The first four are the personas of the log-in page."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from dealops.accounts.models import Role, User
from dealops.accounts.personas import PASSWORD


@dataclass(frozen=True, slots=True)
class Persona:
    email: str
    name: str
    role: str
    title: str
    is_admin: bool = False
    limit: Decimal | None = None
    currency: str = ""


PERSONAS = (
    Persona("ada.ellis@demo.example", "Ada Ellis", Role.SALES, "Account executive: changes existing deals and submits them"),
    Persona("carl.moss@demo.example", "Carl Moss", Role.CUSTOMER_SUCCESS, "Customer success: sees who is ready to grow, hands it over"),
    Persona(
        "fiona.reid@demo.example",
        "Fiona Reid",
        Role.FINANCE,
        "Finance approver: agrees to future-invoice changes, limit £5,000",
        limit=Decimal(5000),
        currency="GBP",
    ),
    Persona("rhea.kaur@demo.example", "Rhea Kaur", Role.REVOPS, "Admin: owns the rules, the catalogue and the connections", is_admin=True),
)
OTHERS = (
    Persona("sam.ortiz@demo.example", "Sam Ortiz", Role.SALES, "Account executive, North America"),
    Persona("yuki.tanaka@demo.example", "Yuki Tanaka", Role.SALES, "Account executive, Japan and Europe"),
    Persona("nina.brandt@demo.example", "Nina Brandt", Role.CUSTOMER_SUCCESS, "Customer success, Europe"),
    Persona("george.hall@demo.example", "George Hall", Role.FINANCE, "Head of Finance", limit=Decimal(10_000_000)),
    Persona("olga.petrova@demo.example", "Olga Petrova", Role.AUDITOR, "Auditor: reads everything, changes nothing"),
)


def build_people() -> dict[str, User]:
    """Create whoever is missing; answers by the part of the e-mail before the dot (`ada`, `carl`, `fiona`, `rhea`, ...)."""
    people = {}
    for persona in (*PERSONAS, *OTHERS):
        user = User.objects.filter(email=persona.email).first() or User.objects.create_user(
            persona.email,
            PASSWORD,
            name=persona.name,
            role=persona.role,
            title=persona.title,
            is_staff=persona.is_admin,
            is_superuser=persona.is_admin,
            approval_limit=persona.limit,
            approval_currency=persona.currency,
        )
        people[persona.email.split(".")[0]] = user
    return people


def logins() -> list[tuple[str, str, str]]:
    """(name, e-mail, what they do) of the four personas, for the line `make run` prints."""
    return [(persona.name, persona.email, persona.title) for persona in PERSONAS]
