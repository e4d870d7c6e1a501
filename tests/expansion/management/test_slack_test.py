"""`slack_test` names the workspace, or says what to check."""

import pytest
from django.core.management import CommandError, call_command

from expansion.adapters.slack.stand_in import StandIn


def test_it_names_the_workspace_and_posts_one_line(settings, tmp_path, capsys):
    there = StandIn(tmp_path).start()
    settings.SLACK_TOKEN, settings.SLACK_API_URL, settings.SLACK_CHANNEL = "xoxb-test", there.api_url, "C1"
    call_command("slack_test")
    assert "Workspace: Stand-in workspace" in capsys.readouterr().out
    assert [message["text"] for message in there.store.messages("C1")] == ["dealops can post here."]
    there.store.switch_on("invalid_auth")
    with pytest.raises(CommandError, match=r"invalid_auth.*Check SLACK_TOKEN"):
        call_command("slack_test")
    there.stop()


def test_without_a_token_it_says_where_to_read(settings):
    settings.SLACK_TOKEN = ""
    with pytest.raises(CommandError, match=r"docs/connect-slack\.md"):
        call_command("slack_test")
