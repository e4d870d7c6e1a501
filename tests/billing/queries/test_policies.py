"""Who owns a future invoice, and which rule says so: the contract, then the segment, then the legal entity."""

import pytest

from billing.models import Contract, Customer, LegalEntity, Segment
from billing.queries.policies import resolve_policies


def resolved(*, contract="", segment="", entity="sales_cs", name="Northbeam"):
    seller = LegalEntity(name=name, future_invoice_owner=entity, proration_basis="actual_days", proration_shape="net", minimum_amount=0)
    customer = Customer(name="Brightwave", segment=None if segment is None else Segment(name="Enterprise", future_invoice_owner=segment))
    return resolve_policies(Contract(number="C-1", months=1, future_invoice_owner=contract, customer=customer, legal_entity=seller))


@pytest.mark.parametrize(
    ("contract", "segment", "entity", "owner", "rule"),
    [
        ("", None, "finance", "finance", "set on Northbeam"),
        ("", "", "sales_cs", "sales_cs", "set on Northbeam"),
        ("", "finance", "sales_cs", "finance", "set on segment Enterprise"),
        ("", "sales_cs", "finance", "sales_cs", "set on segment Enterprise"),
        ("sales_cs", "finance", "finance", "sales_cs", "set on contract C-1"),
        ("finance", "sales_cs", "sales_cs", "finance", "set on contract C-1"),
    ],
)
def test_the_nearest_that_says_something_decides_and_is_named(contract, segment, entity, owner, rule):
    found = resolved(contract=contract, segment=segment, entity=entity)
    assert (found.owner, found.rules["owner"]) == (owner, rule)


def test_a_rule_is_never_longer_than_what_a_change_keeps_of_it():
    assert len(resolved(name="N" * 200).rules["owner"]) == 200
