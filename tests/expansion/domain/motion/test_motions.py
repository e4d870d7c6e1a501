"""The three motions in words, the same in the help and in the classifier."""

import pytest

from expansion.domain.motion.motions import MOTIONS
from expansion.domain.pipelines import OF_MECHANISM, PIPELINES


@pytest.mark.req("S4-08", "S4-09")
def test_each_motion_says_what_it_moves_and_which_way():
    assert {motion.code: (motion.direction, motion.effect) for motion in MOTIONS} == {
        "upsell": ("vertical", "Raises the value of the deal"),
        "cross_sell": ("horizontal", "Raises the number of products and the value"),
        "downgrade": ("down", "Keeps value that would be lost"),
    }


def test_every_motion_has_a_board_of_its_own():
    boards = {pipeline.code for pipeline in PIPELINES}
    assert set(OF_MECHANISM.values()) < boards
    assert len({OF_MECHANISM[motion.code] for motion in MOTIONS} & boards) == len(MOTIONS)
