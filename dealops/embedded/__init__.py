"""A real PostgreSQL and a real Valkey below one folder, started when first needed and stopped by the last process that uses them.

`urls(var)` says where they listen and starts nothing; `ensure(var)` starts what is missing and holds on to it; `throwaway()` gives a pair
that is removed afterwards. Nothing here knows Django. With DATABASE_URL and REDIS_URL in the environment none of this is used.
"""

from dealops.embedded.addresses import Urls, celery_url, redis_database, urls
from dealops.embedded.errors import EmbeddedError
from dealops.embedded.session import Handle, ensure, remove, throwaway

__all__ = ["EmbeddedError", "Handle", "Urls", "celery_url", "ensure", "redis_database", "remove", "throwaway", "urls"]
