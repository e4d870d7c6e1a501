"""docs/policy.md is the policy table as it is now."""

from pathlib import Path

import pytest

from expansion.management.commands.policy import page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "policy.md"


@pytest.mark.req("G17")
def test_the_page_for_auditors_is_current():
    new = set(page().splitlines()) ^ set(PAGE.read_text(encoding="utf-8").splitlines())
    assert PAGE.read_text(encoding="utf-8") == page(), f"run: manage.py policy > docs/policy.md. What differs: {sorted(new)[:6]}"
