"""One act of a form: it is run, and what came of it is said on the next page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.contrib import messages
from django.db import OperationalError
from django.http import HttpRequest

from billing.domain.refusal import Refusal
from dealops.database import raise_unless_busy

BUSY: Final = "Somebody else is saving on this contract right now. Nothing was written; try again in a few seconds."


def carried_out(request: HttpRequest, act: Callable[[], str], *, undo: str = "") -> bool:
    """Whether `act` went through; it answers the sentence to say then. A refusal is said in its own words, a busy row with BUSY.

    `undo` is the address of ours that takes it back when `undo=yes` is posted there; the sentence is shown with a button for it.
    Any other failure of the database is raised, for then nobody may be told that nothing was written.
    """
    try:
        words = act()
    except Refusal as refusal:
        messages.error(request, refusal.message)
        return False
    except OperationalError as failure:
        raise_unless_busy(failure)
        messages.error(request, BUSY)
        return False
    messages.success(request, words, extra_tags=undo)
    return True
