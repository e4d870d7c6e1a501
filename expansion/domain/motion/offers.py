"""An offer from being shown to its answer: which answers may follow, what a person has to have thought of, when silence is one (S16)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from billing.domain.refusal import Refusal

IGNORED_AFTER = timedelta(days=14)
LONGEST_DEFERRAL = timedelta(days=730)
# Still being talked about: only one of these at a time with one account (G7).
OPEN = frozenset({"open", "wants_detail"})
# A deferred one is asked again; the rest is settled.
WAITING = OPEN | {"deferred"}
ANSWERS = {"accepted": "Accepted", "wants_detail": "Wants detail", "deferred": "Not now: ask again later", "declined": "Declined"}
LOCATIONS = {"rep": "In a conversation", "email": "By e-mail", "chat": "In a chat", "form": "In the product or a form"}
SELLING = frozenset({"upsell", "cross_sell"})


@dataclass(frozen=True, slots=True)
class Pitch:
    """What is said to the customer and what its author thought about it. `is_good` is None until the question was answered."""

    why_now: str
    words: str
    value: str
    is_good: bool | None
    is_good_because: str
    location: str = "rep"
    goal: str = ""


def check_pitch(pitch: Pitch, *, mechanism: str) -> None:
    """Raises Refusal naming the field that is missing (S2-06, S2-19, S3-07, S4-65)."""
    if not pitch.why_now.strip():
        raise Refusal("no_why_now", "why_now", "Say why now: what they use, reached, asked for or decide soon (G6).")
    if not pitch.words.strip():
        raise Refusal("no_words", "words", "Write the words the customer reads or hears.")
    if not pitch.value.strip():
        raise Refusal("no_value", "value", "Say what it does for the customer. Its price is not what it does.")
    if mechanism in SELLING and not pitch.goal.strip():
        raise Refusal("no_goal", "goal", "Name the customer's goal it serves. That others bought it is no reason to offer it.")
    if pitch.is_good is None:
        raise Refusal("not_thought", "is_good", "Answer first: is this good for the customer?")
    if not pitch.is_good:
        raise Refusal("not_good", "is_good", "Then do not offer it. Put the signal off or dismiss it, with the reason.")
    if not pitch.is_good_because.strip():
        raise Refusal("no_because", "is_good_because", "Say in a sentence why it is good for the customer.")
    if pitch.location not in LOCATIONS:
        raise Refusal("unknown_location", "location", f"Choose where it was shown: {', '.join(LOCATIONS)}.")


def check_answer(state: str, response: str, *, until: date | None, words: str, on: date) -> None:
    """Whether `response` may follow `state`, with what it needs. Raises Refusal naming the field."""
    if state not in WAITING:
        raise Refusal("answered", "response", "This offer has its answer already. Show a new one when something has changed.")
    if response not in ANSWERS:
        raise Refusal("unknown_answer", "response", f"Choose one of {', '.join(ANSWERS)}.")
    if response == "deferred" and (until is None or until <= on):
        raise Refusal("no_day", "until", "Choose the day after today on which they want to be asked again.")
    if response == "deferred" and until is not None and until > on + LONGEST_DEFERRAL:
        raise Refusal("too_late", "until", "Choose a day within two years, or note that they declined.")
    if response == "declined" and not words.strip():
        raise Refusal("no_reason", "words", "Write why they said no, in their words. It keeps the next offer honest.")
    if response == "wants_detail" and not words.strip():
        raise Refusal("no_question", "words", "Write what they want to know.")


def ignored_on(state: str, *, touched: date, deferred_until: date | None) -> date | None:
    """The day from which silence counts as an answer: 14 days after it was shown or last spoken about, or was to be asked again."""
    if state in OPEN:
        return touched + IGNORED_AFTER
    if state == "deferred" and deferred_until is not None:
        return deferred_until + IGNORED_AFTER
    return None
