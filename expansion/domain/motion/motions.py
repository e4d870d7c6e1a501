"""What the three motions are, what each is for, which way it goes and what it moves (S4-08, S4-09, S4-27)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Motion:
    """`direction` is vertical, horizontal or down; everything else is a short text."""

    code: str
    name: str
    definition: str
    purpose: str
    direction: str
    effect: str
    example: str


MOTIONS = (
    Motion(
        "upsell", "Upsell", "More of what the customer has, or a higher plan of the same family.",
        "Let what they have grow with how they use it.", "vertical", "Raises the value of the deal", "Team to Business",
    ),
    Motion(
        "cross_sell", "Cross-sell", "A product of another family, added to the same contract.",
        "Solve the problem that lies beside the one they solved.", "horizontal", "Raises the number of products and the value",
        "Team and Route Analytics",
    ),
    Motion(
        "downgrade", "Downsell", "Fewer units, a lower plan, or a product removed.",
        "Keep the relationship where the price would end it.", "down", "Keeps value that would be lost", "Business to Team",
    ),
)  # fmt: skip
