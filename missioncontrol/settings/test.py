"""Settings of the test suite: fixed secrets, fast hashes, data of its own."""

import os
import tempfile
from pathlib import Path

from missioncontrol.settings import addresses, env

TEST_TOKEN = "test-operator-token-0123456789-abcdefghijklmnopqrstuvwxyz"

env.install(
    env.load(
        _env_file=None,
        environment="test",
        node_env="",
        data_dir=Path(os.environ.get("TEST_DATA_DIR") or tempfile.gettempdir()),
        secret_key="test-secret-key-0123456789-abcdefghijklmnopqrstuvwxyz",
        field_encryption_key="test-encryption-key-0123456789-abcdefghijklmnopqrstuvwxyz",
        auth_mode="local,password",
        local_auth_token=TEST_TOKEN,
        base_url="http://testserver",
        allowed_hosts="testserver,localhost,127.0.0.1",
        trusted_proxies="",
        cors_origins="",
        clerk_secret_key="",
        clerk_publishable_key="",
        oidc_issuer="",
        smtp_url="",
        mail_from="",
        metrics_token="",
        migration_database_url="",
        rq_redis_url="",
        log_level="WARNING",
        log_format="text",
        session_cookie_secure=False,
    )
)

from missioncontrol.settings.base import *  # noqa: E402 - reads what is installed above
from missioncontrol.settings.base import CACHES, CHANNEL_LAYERS, QUEUES, REDIS_URL  # noqa: E402

_worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
REDIS_URL = RQ_REDIS_URL = addresses.redis_with_db(REDIS_URL, int(_worker) + 1 if _worker else 0)
CHANNEL_LAYERS["default"]["CONFIG"]["hosts"][0]["address"] = REDIS_URL
# Published messages are not kept apart by database number.
CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] = f"test{_worker}"
CACHES["default"]["LOCATION"] = REDIS_URL
RQ_QUEUES = {name: {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 180} for name in QUEUES}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
