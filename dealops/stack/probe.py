"""Is the web server in this container alive? Run by path; exit status 0 if so.

Reads ALLOWED_HOSTS as the server does, and PROBE_PORT if the port is not 8000. A redirect counts as life: over plain http a production
server sends everybody to https. Whoever routes traffic asks /health/serving from outside; whoever watches asks /health/ready.
"""

import http.client
import os
import sys


def main() -> int:
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".*") or "localhost"
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PROBE_PORT", "8000")), timeout=4)
    try:
        connection.request("GET", "/health/live", headers={"Host": host})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        connection.close()
    return 0 if status < 400 else 1


if __name__ == "__main__":
    sys.exit(main())
