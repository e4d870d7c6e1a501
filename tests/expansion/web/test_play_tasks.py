"""What a play asks for, in pages: on the signal, on Home, on the hand-off and the deal; ticked off with an Undo beside it (S1-21)."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from expansion.models import PlayTask, Signal
from expansion.operations import plays, qualifying
from tests.expansion.desk import set_clock
from tests.expansion.operations.customers import live, run, told_world
from tests.expansion.operations.test_play_tasks import ANSWERS
from tests.worlds import STORY_DAY

pytestmark = [pytest.mark.django_db, pytest.mark.req("S1-21")]
TITLE = "Ask who else needs a seat"


@pytest.fixture
def world(db, settings):
    set_clock(settings)
    made = told_world(billed=False)
    live(made, "TM2", tasks=[{"title": TITLE, "days": 3}])
    run(made)
    return made


def text(answer):
    """The page without its tags, each space once."""
    return " ".join(re.sub("<[^>]+>", "", answer.content.decode()).split())


def buttons(answer):
    """How the tasks on the page are marked, in order."""
    return re.findall(r'class="do-tick" aria-pressed="(true|false)"', answer.content.decode())


def press(client, **more):
    return client.post(reverse("signal_task", args=[PlayTask.objects.get().pk]), more, follow=True)


def test_it_stands_on_home_and_on_the_signal_is_ticked_off_there_and_taken_back(client, world):
    client.force_login(world.csm)
    home = text(client.get("/home"))
    assert f"Brightwave Logistics: {TITLE}" in home and "due 19 Jun 2026 · Seats nearly used up" in home
    here = reverse("signal", args=[Signal.objects.get().pk])
    page = client.get(here)
    assert buttons(page) == ["false"] and "Carl Moss · due 19 Jun 2026" in text(page)
    done = press(client, next=f"{here}#x")
    assert done.redirect_chain == [(f"{here}#x", 302)]
    assert buttons(done) == ["true"] and "Done by Carl Moss, 16 Jun" in text(done)
    assert f"Done: {TITLE} (Brightwave Logistics). Undo" in text(done)
    assert f"Brightwave Logistics: {TITLE}" not in text(client.get("/home"))
    again = press(client, undo="yes", next="//elsewhere.example/")
    assert again.redirect_chain == [(here, 302)], "only a page of ours is gone back to"
    assert f"Open again: {TITLE}" in text(again)
    assert f"Brightwave Logistics: {TITLE}" in text(client.get("/home"))


def test_it_goes_with_the_hand_off_is_late_there_and_told_on_the_deal(client, world, settings):
    given = qualifying.hand_off(
        signal_id=Signal.objects.get().pk, version=1, answers=ANSWERS, by=world.csm, on=STORY_DAY, now=world.now
    )  # fmt: skip
    client.force_login(world.csm)
    assert TITLE not in text(client.get("/home"))
    client.force_login(world.ae)
    assert f"Brightwave Logistics: {TITLE}" in text(client.get("/home"))
    PlayTask.objects.update(due_on=STORY_DAY - timedelta(days=1))
    for here in ("/deals/DL-1042", reverse("introduction", args=[given.pk])):
        page = text(client.get(here))
        assert "Ada Ellis · Late: was due 15 Jun 2026" in page, here
    page = text(press(client, next="/deals/DL-1042#tasks"))
    assert f"Ada Ellis ticked off “{TITLE}” of the play “Seats nearly used up”." in page, "on the timeline of the deal"


def test_who_only_reads_sees_it_without_a_button_and_a_post_is_refused_with_a_sentence(client, world):
    client.force_login(world.auditor)
    page = client.get(reverse("signal", args=[Signal.objects.get().pk]))
    assert TITLE in text(page) and buttons(page) == []
    assert "Its owner ticks a task off" in text(press(client))
    assert PlayTask.objects.get().done_at is None


def test_a_play_says_whose_each_task_is_and_a_wrong_owner_or_day_is_refused(client, world):
    client.force_login(world.admin)
    plays.start_from_preset(code="TM4", by=world.admin, now=world.now)
    here = reverse("play_edit", args=["tm4"])
    opened = client.get(here)
    assert "The account’s success manager" in text(opened) or "success manager" in text(opened)
    form = opened.context["form"]
    said = {name: form[name] for name in ("mechanism", "product", "because", "message", "offer_type", "complexity", "health",
            "cool_down_days", "stop_after_days")}  # fmt: skip
    for kind in ("static", "live"):
        for part in ("field", "op", "value"):
            said[f"{kind}_{part}"] = [row.get(part, "") for row in form[kind]]
    said |= {"seen": 1, "task_title": ["Call them", "Write", ""], "task_days": ["2", "5", ""]}
    client.post(here, said | {"task_owner": ["deal_owner", "", ""]})
    made = plays.Play.objects.get(code="tm4").versions.get().definition["tasks"]
    assert made == [{"title": "Call them", "days": 2, "owner": "deal_owner"}, {"title": "Write", "days": 5}]
    for wrong, words in (({"task_owner": ["nobody", "", ""]}, "Say whose task it is"), ({"task_days": ["999", "5", ""]}, "within 365")):
        assert words in text(client.post(here, said | {"task_owner": ["", "", ""]} | wrong))
