"""A condition reads as part of a sentence."""

import pytest

from expansion.domain.motion.conditions import OPERATORS
from expansion.domain.motion.fields import FIELDS
from expansion.domain.motion.phrases import OPERATOR_WORDS, PHRASES, said


def test_every_field_and_operator_can_be_read_aloud():
    assert set(PHRASES) == set(FIELDS)
    assert {op for ops in OPERATORS.values() for op in ops} <= set(OPERATOR_WORDS)
    assert all(words[0].islower() for words in PHRASES.values())


@pytest.mark.req("S3-19", "S3-43")
@pytest.mark.parametrize(
    ("row", "value", "words"),
    [
        ({"field": "product_count", "op": ">="}, "1", "the number of products they own is at least 1"),
        ({"field": "utilisation", "op": ">="}, "0.90", "the share of the seats in use is at least 0.90"),
        ({"field": "cancel_request", "op": "="}, "yes", "they asked to cancel"),
        ({"field": "plan", "op": "in"}, "team, starter", "their plan is one of team, starter"),
        ({"field": "gone", "op": "="}, "x", "gone is x"),
    ],
)
def test_a_condition_in_words(row, value, words):
    assert said(row, value) == words
