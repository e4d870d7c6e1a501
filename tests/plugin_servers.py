"""Gives a test run a PostgreSQL and a Valkey of its own, in a temporary folder that is removed afterwards.

Loaded by `-p tests.plugin_servers` (pyproject.toml), which comes before pytest-django reads the settings. A run can therefore go on
beside the product. With DATABASE_URL or REDIS_URL in the environment those servers are used; so are they by the workers of pytest-xdist,
which inherit what is set here. What is written to `var/` goes to the temporary folder too.
"""

import os
import sys

from dealops import embedded

_LOOKING_ONLY = {"-h", "--help", "-V", "--version", "--markers", "--fixtures", "--co", "--collect-only"}

_missing = [name for name in ("DATABASE_URL", "REDIS_URL") if not os.environ.get(name)]
if _missing and not _LOOKING_ONLY & set(sys.argv):
    servers = embedded.throwaway(postgres="DATABASE_URL" in _missing, valkey="REDIS_URL" in _missing)
    os.environ |= {
        name: value
        for name, value in (("DATABASE_URL", servers.urls.database_url), ("REDIS_URL", servers.urls.redis_url))
        if name in _missing
    }
    os.environ["DEALOPS_VAR"] = str(servers.var)


# Pages are served with the style sheets of this checkout; nothing has to be collected first.
os.environ.setdefault("STATIC_FROM_SOURCE", "1")
