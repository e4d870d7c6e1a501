"""Which version of a row the sender saw: `If-Match`, or the field `version` (F05)."""

from __future__ import annotations

import re
from typing import Any

from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response

_ETAG = re.compile(r'(?:W/)?"([0-9]{1,9})"')


class OtherVersion(exceptions.APIException):
    """The version in If-Match is not the present one."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_code = "edited_meanwhile"


def seen_version(request: Request, row: Any, given: int | None) -> int:
    """The version the sender names. Raises OtherVersion at once when If-Match names another, ValidationError when neither is there."""
    header = request.headers.get("If-Match")
    if header is None:
        if given is None:
            raise exceptions.ValidationError({"version": ["Say which version you saw: here, or in the header If-Match."]})
        return given
    found = _ETAG.fullmatch(header.strip())
    if not found:
        raise exceptions.ValidationError({"If-Match": [f'Repeat the ETag you were given, for example "{row.version}" with its quotes.']})
    version = int(found[1])
    if given is not None and given != version:
        raise exceptions.ValidationError({"version": ["This is another version than the one in If-Match."]})
    if version != row.version:
        raise OtherVersion(f"{row} is at version {row.version}, you saw {version}. Read it again; nothing was written.")
    return version


def with_etag(response: Response, version: int) -> Response:
    response.headers["ETag"] = f'"{version}"'
    return response
