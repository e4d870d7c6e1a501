"""How often one caller may ask: counted per person, or per network address for strangers (ASVS 2.4.1, F101)."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from redis.exceptions import RedisError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle


class CallerThrottle(SimpleRateThrottle):
    """Reads and writes are counted apart. When the counts cannot be reached, requests pass: they are no permission."""

    scope = "read"

    def __init__(self) -> None:
        """The rate is known only when the request is."""

    def allow_request(self, request: Request, view: Any) -> bool:
        person = request.user is not None and request.user.is_authenticated
        self.scope = ("read" if request.method in SAFE_METHODS else "write") if person else "stranger"
        self.num_requests, self.duration = self.parse_rate(settings.API_RATES[self.scope])
        try:
            return super().allow_request(request, view)
        except (RedisError, OSError):
            logging.getLogger("dealops.security").warning("requests are not counted: the cache cannot be reached")
            return True

    @property
    def rate(self) -> str:
        return settings.API_RATES[self.scope]

    def get_cache_key(self, request: Request, view: Any) -> str:
        who = request.user.pk if self.scope != "stranger" else self.get_ident(request)
        return self.cache_format % {"scope": self.scope, "ident": who}
