"""What a start refuses: one line that names the setting and never its value."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from missioncontrol.settings import env, predecessor
from tests.ops.running import ROOT, clean_environment

GOOD_TOKEN = "k" * 20 + "0123456789" * 4
SHORT_TOKEN = "s3cr3tvalue" * 4 + "12345"


def load(tmp_path: Path, **values: str) -> env.Env:
    return env.load(_env_file=None, data_dir=tmp_path, **values)


def start(tmp_path: Path, **values: str) -> subprocess.CompletedProcess[str]:
    """Start the product as a person does, with these variables."""
    return subprocess.run(
        [sys.executable, "-m", "missioncontrol.run", "--data", str(tmp_path / "data")],
        cwd=ROOT,
        env=clean_environment(**values),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.scenario("CORE-1")
def test_short_token_is_named_but_not_shown(tmp_path: Path) -> None:
    assert len(SHORT_TOKEN) == 49
    done = start(tmp_path, AUTH_MODE="local", LOCAL_AUTH_TOKEN=SHORT_TOKEN)
    assert done.returncode != 0
    assert "LOCAL_AUTH_TOKEN must have at least 50 characters" in done.stderr
    assert SHORT_TOKEN not in done.stderr + done.stdout
    assert len(done.stderr.strip().splitlines()) == 1
    assert load(tmp_path, local_auth_token=SHORT_TOKEN + "6").local_auth_token


@pytest.mark.scenario("CORE-2")
@pytest.mark.parametrize("sample", ["change-me", "CHANGEME", "Replace-Me"])
def test_padded_sample_token_is_refused(tmp_path: Path, sample: str) -> None:
    padded = sample.center(60)
    with pytest.raises(env.ConfigurationError, match="LOCAL_AUTH_TOKEN still holds the sample"):
        load(tmp_path, local_auth_token=padded)
    done = start(tmp_path, LOCAL_AUTH_TOKEN=padded)
    assert done.returncode != 0
    assert "LOCAL_AUTH_TOKEN" in done.stderr


@pytest.mark.scenario("CORE-3")
@pytest.mark.parametrize("address", ["ftp://x", "", "   ", "mission.example", "http://", "//x"])
def test_unusable_base_url_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(env.ConfigurationError, match=r"BASE_URL must be an absolute address"):
        load(tmp_path, base_url=address)


@pytest.mark.scenario("CORE-3")
def test_empty_base_url_stops_the_start(tmp_path: Path) -> None:
    done = start(tmp_path, BASE_URL="")
    assert done.returncode != 0
    assert "BASE_URL" in done.stderr


def test_base_url_loses_its_last_slash(tmp_path: Path) -> None:
    assert load(tmp_path, base_url="https://mc.example/").base_url == "https://mc.example"


@pytest.mark.parametrize("token", ["", "   "])
def test_token_given_empty_is_refused(tmp_path: Path, token: str) -> None:
    with pytest.raises(env.ConfigurationError, match="LOCAL_AUTH_TOKEN"):
        load(tmp_path, auth_mode="local", local_auth_token=token)


def test_no_token_is_needed_without_local_sign_in(tmp_path: Path) -> None:
    assert load(tmp_path, auth_mode="password").local_auth_token == ""


@pytest.mark.parametrize("mode", ["saml", "local,saml", "", "open"])
def test_unknown_sign_in_is_refused(tmp_path: Path, mode: str) -> None:
    with pytest.raises(env.ConfigurationError, match="AUTH_MODE must be a comma list"):
        load(tmp_path, auth_mode=mode)


PRODUCTION = {
    "environment": "production",
    "secret_key": "k" * 50,
    "field_encryption_key": "f" * 50,
    "local_auth_token": GOOD_TOKEN,
    "base_url": "https://mc.example",
}


@pytest.mark.parametrize("name", ["secret_key", "field_encryption_key", "local_auth_token"])
def test_production_is_given_its_secrets(tmp_path: Path, name: str) -> None:
    assert load(tmp_path, **PRODUCTION).is_production
    values = {key: value for key, value in PRODUCTION.items() if key != name}
    with pytest.raises(env.ConfigurationError, match=f"{name.upper()} must be set"):
        load(tmp_path, **values)
    assert not (tmp_path / "secrets").exists()


def test_production_is_given_its_address(tmp_path: Path) -> None:
    values = {key: value for key, value in PRODUCTION.items() if key != "base_url"}
    with pytest.raises(env.ConfigurationError, match="BASE_URL must be set"):
        load(tmp_path, **values)


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    first, second = load(tmp_path), load(tmp_path)
    assert len(first.local_auth_token) >= 50
    assert first.local_auth_token == second.local_auth_token
    assert first.secret_key == second.secret_key
    assert first.secret_key != first.field_encryption_key


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("RATE_LIMIT_BACKEND", "files"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, proxy"),
        ("AGENT_RATE_LIMIT", "0"),
        ("LOG_LEVEL", "loud"),
        ("DATABASE_URL", "mysql://root:hunter2hunter2@db/x"),
        ("REDIS_URL", "memcached://u:hunter2hunter2@cache"),
    ],
)
def test_unusable_value_is_named_and_not_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(env.ConfigurationError) as refused:
        load(tmp_path)
    assert name in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"auth_mode": "clerk"}, "CLERK_SECRET_KEY must be set"),
        ({"auth_mode": "password,clerk", "clerk_secret_key": "  "}, "CLERK_SECRET_KEY must be set"),
        ({"auth_mode": "oidc", "oidc_client_id": "c"}, "OIDC_ISSUER must be set"),
        ({"auth_mode": "oidc", "oidc_issuer": "https://id.example"}, "OIDC_CLIENT_ID must be set"),
        ({"oidc_issuer": "id.example"}, "OIDC_ISSUER must be an absolute address"),
        ({"clerk_leeway": "-1"}, "CLERK_LEEWAY"),
        ({"cors_origins": "*"}, "CORS_ORIGINS must be a comma list of origins"),
        ({"security_header_referrer_policy": "a\r\nX: y"}, "SECURITY_HEADER_REFERRER_POLICY"),
        ({"rate_limit_redis_url": "http://x"}, "RATE_LIMIT_REDIS_URL must begin with redis://"),
    ],
)
def test_an_incomplete_sign_in_is_refused(
    tmp_path: Path, values: dict[str, str], named: str
) -> None:
    with pytest.raises(env.ConfigurationError, match=re.escape(named)) as refused:
        load(tmp_path, **values)
    assert "\n" not in str(refused.value)


def test_every_way_of_signing_in_can_be_on_at_once(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        auth_mode="Local, password,clerk,OIDC,local",
        clerk_secret_key="sk_test_1",
        oidc_issuer="https://id.example/",
        oidc_client_id="c",
    )
    assert found.auth_modes == ("local", "password", "clerk", "oidc")
    assert "sk_test_1" not in repr(found)


def test_production_wants_a_provider_over_https(tmp_path: Path) -> None:
    values = {**PRODUCTION, "auth_mode": "local,oidc", "oidc_client_id": "c"}
    assert load(tmp_path, **values, oidc_issuer="https://id.example").is_production
    with pytest.raises(env.ConfigurationError, match="OIDC_ISSUER must begin with https"):
        load(tmp_path, **values, oidc_issuer="http://id.example")


def test_the_other_name_of_the_publishable_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY", "pk_test_abc")
    assert load(tmp_path).clerk_publishable_key == "pk_test_abc"


@pytest.mark.scenario("CORE-3")
def test_a_limiter_without_its_redis_stops_the_start(tmp_path: Path) -> None:
    done = start(
        tmp_path,
        RATE_LIMIT_BACKEND="redis",
        RATE_LIMIT_REDIS_URL="redis://:hunter2hunter2@127.0.0.1:1/0",
    )
    assert done.returncode != 0
    assert "RATE_LIMIT_REDIS_URL" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_names_of_the_original_product_are_honoured_or_said_to_do_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, rq_dispatch_throttle_seconds="15").rq_dispatch_throttle_seconds == 15
    secret = "s3cr3t" * 9
    said = predecessor.notes(
        {
            "NEXT_PUBLIC_API_URL": "https://api.example",
            "NEXT_PUBLIC_AUTH_MODE": "local",
            "NEXT_PUBLIC_LOCAL_AUTH_TOKEN": secret,
            "NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY": "pk_test_abc",
            "NEXT_PUBLIC_OTHER": "x",
            "BASE_URL": "https://mc.example",
        }
    )
    assert [line.split()[0] for line in said] == [
        "NEXT_PUBLIC_API_URL", "NEXT_PUBLIC_AUTH_MODE", "NEXT_PUBLIC_LOCAL_AUTH_TOKEN",
        "NEXT_PUBLIC_OTHER",
    ]  # fmt: skip
    assert "must not be set" in said[2]
    assert secret not in "".join(said)


def test_the_document_names_each_of_them() -> None:
    text = (ROOT / "docs" / "moving.md").read_text()
    names = {*predecessor.WITHOUT_EFFECT, *predecessor.HONOURED, predecessor.EXPOSED}
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []
