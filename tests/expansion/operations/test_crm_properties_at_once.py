"""Two of RevOps who name HubSpot's properties at the same moment: neither gets an error, the later one holds."""

import threading

import pytest
from django.db import transaction

from dealops.accounts.models import Role
from expansion.models import CrmProperty
from expansion.operations.crm_context import name_properties
from tests.expansion.operations.test_races import PATIENCE, at_once, somebody_waits
from tests.expansion.web.makers import NOW, person

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_second_waits_for_the_first_and_names_them_anew(db):
    rob, rita = person(Role.REVOPS, "Rob Ops"), person(Role.REVOPS, "Rita Ops")
    first_has_written = threading.Event()

    def first():
        with transaction.atomic():
            moved = name_properties({"need": "their_need"}, by=rob, now=NOW)
            first_has_written.set()
            somebody_waits()
        return moved

    def second():
        assert first_has_written.wait(PATIENCE)
        return name_properties({"need": "need_of_deal", "offer": "offer_shown"}, by=rita, now=NOW)

    assert at_once(first, second) == [1, 2]
    assert dict(CrmProperty.objects.values_list("group", "name")) == {"need": "need_of_deal", "offer": "offer_shown"}
