"""Database backend: a connection used a moment ago is not asked first whether it still lives.

Django asks with a query at the start of each request. One that worked less than a second ago is
taken to work; if the server died since, that request answers 503 and the next one reconnects.
"""

from __future__ import annotations

import time

from django.db.backends.postgresql import base

TRUSTED_SECONDS = 1.0


class DatabaseWrapper(base.DatabaseWrapper):
    """Remembers when its connection was last found alive."""

    found_alive_at = 0.0

    def close_if_health_check_failed(self) -> None:
        """Check, unless the connection was found alive within the last second."""
        now = time.monotonic()
        if now - self.found_alive_at < TRUSTED_SECONDS and not self.errors_occurred:
            self.health_check_done = True
            return
        super().close_if_health_check_failed()
        self.found_alive_at = now
