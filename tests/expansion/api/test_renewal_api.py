"""Renewals and earlier ends over the API: shown first, then written, by RevOps only."""

import pytest

from billing.models import Contract
from expansion.models import Change
from tests.expansion.api.conftest import Api

pytestmark = pytest.mark.django_db


def test_revops_previews_and_renews_with_an_uplift(world):
    revops = Api(world.admin)
    body = {"day": "2028-01-01", "uplift": "5", "reason": "Signed for another year"}
    shown = revops.post("deals/DL-1042/renew/", {**body, "preview": True}).json()
    assert (shown["net"], shown["mrr_before"], shown["mrr_after"], shown["written"]) == ("12600.00", "1000.00", "1050.00", False)
    done = revops.post("deals/DL-1042/renew/", {**body, "content_hash": shown["content_hash"]})
    assert (done.status_code, done.json()["written"]) == (200, True)
    assert (shown["approval"], shown["change"]) == ("Finance owns the future invoice", None)
    change = Change.objects.get(number=done.json()["change"])
    assert (change.mechanism, change.state) == ("price_uplift", "submitted")
    assert str(Contract.objects.get(number="C-1042").end) == "2028-01-01"
    assert revops.post("deals/DL-1042/renew/", {**body, "day": "2027-06-01"}).status_code == 400


def test_an_earlier_end_is_agreed_by_revops_and_by_nobody_else(world, sales):
    body = {"day": "2026-09-01", "reason": "They leave us"}
    assert sales.post("deals/DL-1042/end/", body).status_code == 403
    assert Api(world.admin).post("deals/DL-1042/end/", body).json()["net"] == "2000.00"
    assert str(Contract.objects.get(number="C-1042").end) == "2026-09-01"
