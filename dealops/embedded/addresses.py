"""The addresses of an embedded pair, computed from its folder alone."""

import os
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from dealops.embedded.places import Places

DATABASE = "dealops"
PORT = 5432


@dataclass(frozen=True)
class Urls:
    database_url: str
    redis_url: str


def urls(var: str | os.PathLike[str]) -> Urls:
    """Where the servers of `var` listen, whether they run or not.

    The port is spelled out because it is part of the socket's file name, and PGPORT in somebody's shell would change it.
    """
    places = Places.of(var)
    host = quote(str(places.sockets), safe="")
    return Urls(f"postgresql://{DATABASE}@{host}:{PORT}/{DATABASE}", f"unix://{places.valkey_socket}?db=0")


def redis_database(url: str, number: int) -> str:
    """The same Redis address with database `number`, for `redis://`, `rediss://` and `unix://` addresses."""
    parts = urlsplit(url)
    query = [(key, value) for key, value in parse_qsl(parts.query) if key not in {"db", "virtual_host"}]
    if parts.scheme in {"unix", "redis+socket"}:
        return urlunsplit(("unix", "", parts.path, urlencode([*query, ("db", str(number))]), "")).replace("unix:/", "unix:///", 1)
    return urlunsplit((parts.scheme, parts.netloc, f"/{number}", urlencode(query), ""))


def celery_url(url: str) -> str:
    """The address in Celery's spelling: kombu writes a Unix socket as `redis+socket://PATH?virtual_host=NUMBER`."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    query = dict(parse_qsl(parts.query))
    number = query.pop("db", "0")
    return f"redis+socket://{parts.path}?{urlencode([*query.items(), ('virtual_host', number)])}"
