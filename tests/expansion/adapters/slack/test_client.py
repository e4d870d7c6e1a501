"""One call per attempt over real HTTP, and what each kind of answer means for the outbox."""

import pytest

from expansion.adapters.slack import Posted, RefusedBySlack, RetryLater, Slack, Unknown
from expansion.adapters.slack.stand_in import StandIn

pytestmark = pytest.mark.req("F60")


@pytest.fixture
def there(tmp_path):
    server = StandIn(tmp_path).start()
    yield server
    server.stop()


@pytest.fixture
def slack(there):
    return Slack("xoxb-test", there.api_url)


BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}]


def test_a_message_is_posted_found_by_its_key_and_brought_up_to_date(slack, there):
    posted = slack.post("C1", "hello", BLOCKS, key="k1")
    assert slack.find("C1", "k1") == posted
    assert slack.find("C1", "k2") is None
    slack.update(posted, "bye", [])
    (message,) = there.store.messages("C1")
    assert (message["text"], message["blocks"], message["edits"]) == ("bye", [], 1)


def test_the_workspace_says_its_name(slack):
    assert slack.workspace() == "Stand-in workspace"


@pytest.mark.parametrize(
    ("fault", "error", "kept"),
    [
        ("429", RetryLater, 0),
        ("drop_before", Unknown, 0),
        ("drop_after_commit", Unknown, 1),
        ("500_before", Unknown, 0),
        ("500_after_commit", Unknown, 1),
        ("malformed", Unknown, 1),
        ("invalid_auth", RefusedBySlack, 0),
    ],
)
def test_each_fault_is_one_attempt_and_says_what_is_known(slack, there, fault, error, kept):
    there.store.switch_on(fault, seconds=7)
    with pytest.raises(error) as raised:
        slack.post("C1", "hello", BLOCKS, key="k1")
    assert len(there.store.messages()) == kept, "no retry of its own"
    if fault == "429":
        assert raised.value.after == 7
    if fault == "invalid_auth":
        assert raised.value.code == "invalid_auth"


def test_a_message_that_is_gone_is_refused(slack):
    with pytest.raises(RefusedBySlack, match="message_not_found"):
        slack.update(Posted("C1", "1700000000.000099"), "bye", [])


@pytest.mark.req("F92")
def test_a_hostile_name_in_the_plain_words_of_a_message_neither_pings_nor_links(slack, there):
    hostile = "<!channel> <https://evil.test|Pay here> & <b>"
    harmless = "&lt;!channel&gt; &lt;https://evil.test|Pay here&gt; &amp; &lt;b&gt;"
    posted = slack.post("C1", hostile, BLOCKS, key="k1")
    assert there.store.messages("C1")[0]["text"] == harmless
    slack.update(posted, hostile + "!", [])
    assert there.store.messages("C1")[0]["text"] == harmless + "!"
    slack.whisper("C1", "U1", hostile)
    assert "<" not in str([message["text"] for message in there.store.messages()])
