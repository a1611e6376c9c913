"""The one reader of the environment: types, defaults, start-up checks.

Every name stands in ``.env.example`` with its unit and default.
"""

import os
import secrets
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AliasChoices, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from missioncontrol.run import state as service_state
from missioncontrol.settings import addresses, mail, secret_files

ROOT = Path(__file__).resolve().parents[2]
AUTH_MODES = ("local", "password", "clerk", "oidc")
TOKEN_LENGTH = 50
KEY_LENGTH = 32
SAMPLE_TOKENS = frozenset(
    {"change-me", "changeme", "replace-me", "replace-with-strong-random-token"}
)

NonNegative = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(gt=0)]


class ConfigurationError(Exception):
    """A setting is missing or unusable; the text is one line that never holds a secret."""


def default_data_folder() -> Path:
    """The data folder when none is named: of the machine for root, of the user otherwise."""
    if os.geteuid() == 0:
        return Path("/var/lib/missioncontrol")
    share = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(share).expanduser() / "missioncontrol"


def data_folder_of_file() -> Path:
    """The data folder that ``.env`` names, else the default one."""
    named = dotenv_values(ROOT / ".env").get("DATA_DIR")
    return Path(named) if named else default_data_folder()


class Env(BaseSettings):
    """The settings of one installation, as the environment and ``.env`` give them."""

    model_config = SettingsConfigDict(
        env_file=ROOT / ".env", extra="ignore", populate_by_name=True, hide_input_in_errors=True
    )

    environment: str = "dev"
    node_env: str = ""
    data_dir: Path = Field(default_factory=default_data_folder)

    secret_key: str = Field(default="", repr=False)
    field_encryption_key: str = Field(default="", repr=False)
    database_url: str = Field(default="", repr=False)
    migration_database_url: str = Field(default="", repr=False)
    db_auto_migrate: bool | None = None
    redis_url: str = Field(default="", repr=False)
    rq_redis_url: str = Field(default="", repr=False)

    auth_mode: str = "local"
    local_auth_token: str = Field(default="", repr=False)
    clerk_secret_key: str = Field(default="", repr=False)
    clerk_publishable_key: str = Field(
        default="",
        validation_alias=AliasChoices("CLERK_PUBLISHABLE_KEY", "NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY"),
    )
    clerk_api_url: str = "https://api.clerk.com"
    clerk_issuer: str = ""
    clerk_sign_in_url: str = ""
    clerk_authorized_parties: str = ""
    clerk_verify_iat: bool = True
    clerk_leeway: Annotated[float, Field(ge=0, le=300)] = 10.0
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = Field(default="", repr=False)
    oidc_name: str = ""
    base_url: str | None = None
    port: Annotated[int, Field(ge=1, le=65535)] = Field(
        default=8000, validation_alias=AliasChoices("PORT", "BACKEND_PORT")
    )
    allowed_hosts: str = ""
    trusted_proxies: str = ""
    cors_origins: str = ""
    security_header_x_content_type_options: str = "nosniff"
    security_header_x_frame_options: str = "DENY"
    security_header_referrer_policy: str = "strict-origin-when-cross-origin"
    security_header_permissions_policy: str = ""
    smtp_url: str = Field(default="", repr=False)
    mail_from: str = ""
    session_cookie_secure: bool = False
    security_hsts_seconds: NonNegative = 0

    gateway_min_version: str = "2026.02.9"
    outbound_allow_private: bool = False
    outbound_allow_private_gateways: bool = True
    allow_simulator: bool = False
    approval_four_eyes: bool = False
    agent_rate_limit: Positive = 300
    rate_limit_backend: Literal["memory", "redis"] = "memory"
    rate_limit_redis_url: str = Field(default="", repr=False)
    metrics_token: str = Field(default="", repr=False)
    activity_retention_days: NonNegative = 0
    webhook_max_payload_bytes: Annotated[int, Field(gt=0, le=16 * 1024 * 1024)] = 1024 * 1024
    rq_dispatch_throttle_seconds: Annotated[float, Field(ge=0, le=3600)] = 0
    rq_dispatch_max_retries: NonNegative = 3
    rq_dispatch_retry_base_seconds: Positive = 10
    rq_dispatch_retry_max_seconds: Positive = 120

    default_skill_packs: str = (
        "https://github.com/anthropics/skills,https://github.com/obra/superpowers"
    )
    skill_pack_hosts: str = "github.com"
    souls_directory_url: str = ""

    llm_provider: Literal["none", "openai", "anthropic"] = "none"
    llm_base_url: str = ""
    llm_api_key: str = Field(default="", repr=False)
    llm_model: str = ""
    embedding_provider: Literal["none", "openai"] = "none"
    embedding_base_url: str = ""
    embedding_api_key: str = Field(default="", repr=False)
    embedding_model: str = ""

    log_level: Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    log_format: Literal["auto", "text", "json"] = "auto"
    slow_query_ms: NonNegative = 200
    slow_request_ms: NonNegative = Field(
        default=1000, validation_alias=AliasChoices("SLOW_REQUEST_MS", "REQUEST_LOG_SLOW_MS")
    )
    http_threads: Positive = 12
    asgi_server: Literal["uvicorn", "daphne"] = "uvicorn"

    @property
    def is_production(self) -> bool:
        """Whether the installation serves real users; secrets must then be given."""
        return self.environment.lower() in {"production", "prod"} or (
            self.environment == "dev" and self.node_env.lower() == "production"
        )

    @property
    def migrates_at_start(self) -> bool:
        """Whether a start brings the tables up to date; in production only when asked to."""
        return not self.is_production if self.db_auto_migrate is None else self.db_auto_migrate

    @property
    def auth_modes(self) -> tuple[str, ...]:
        """The ways of signing in that are on."""
        return tuple(part.strip() for part in self.auth_mode.split(",") if part.strip())

    @property
    def proxies(self) -> tuple[str, ...]:
        """Addresses and networks whose forwarding headers are believed."""
        return tuple(part.strip() for part in self.trusted_proxies.split(",") if part.strip())

    @property
    def origins(self) -> tuple[str, ...]:
        """Other sites whose pages may call the API, exactly as browsers name them."""
        return _parts(self.cors_origins)

    @property
    def authorized_parties(self) -> tuple[str, ...]:
        """Sites for which Clerk may have issued a session; empty for any."""
        return _parts(self.clerk_authorized_parties)

    @property
    def security_headers(self) -> dict[str, str]:
        """Headers of every answer; a blank one is not sent."""
        named = {
            "X-Content-Type-Options": self.security_header_x_content_type_options,
            "X-Frame-Options": self.security_header_x_frame_options,
            "Referrer-Policy": self.security_header_referrer_policy,
            "Permissions-Policy": self.security_header_permissions_policy,
        }
        return {name: value.strip() for name, value in named.items() if value.strip()}

    def host_names(self, base_url: str) -> list[str]:
        """Host names that are answered: those named, that of ``base_url``, and this machine."""
        named = [part.strip() for part in self.allowed_hosts.split(",") if part.strip()]
        own = [urlsplit(base_url).hostname or "", "localhost", "127.0.0.1", "[::1]"]
        return list(dict.fromkeys([*named, *own]))

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        for part in filter(None, (one.strip() for one in value.split(","))):
            try:
                ip_network(part, strict=False)
            except ValueError:
                raise ValueError("must be a comma list of addresses or networks") from None
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: str) -> str:
        return value.upper() if isinstance(value, str) else value

    @field_validator("rate_limit_backend", "log_format", "asgi_server", mode="before")
    @classmethod
    def _lower(cls, value: str) -> str:
        return value.lower() if isinstance(value, str) else value

    @field_validator("data_dir")
    @classmethod
    def _expand(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("auth_mode")
    @classmethod
    def _known_modes(cls, value: str) -> str:
        modes = [part.strip() for part in value.lower().split(",") if part.strip()]
        unknown = [mode for mode in modes if mode not in AUTH_MODES]
        if unknown or not modes:
            raise ValueError(f"must be a comma list of {', '.join(AUTH_MODES)}")
        return ",".join(dict.fromkeys(modes))

    @field_validator("cors_origins", "clerk_authorized_parties")
    @classmethod
    def _exact_origins(cls, value: str) -> str:
        origins = [part.rstrip("/").lower() for part in _parts(value)]
        for origin in origins:
            if not _is_origin(origin):
                raise ValueError(
                    "must be a comma list of origins such as https://app.example; * is not one"
                )
        return ",".join(origins)

    @field_validator("clerk_api_url", "clerk_issuer", "clerk_sign_in_url", "oidc_issuer")
    @classmethod
    def _web_address(cls, value: str) -> str:
        plain = value.strip()
        parts = urlsplit(plain)
        if plain and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("must be an absolute address that begins with https://")
        return plain

    @field_validator(
        "security_header_x_content_type_options",
        "security_header_x_frame_options",
        "security_header_referrer_policy",
        "security_header_permissions_policy",
    )
    @classmethod
    def _one_line_of_text(cls, value: str) -> str:
        if any(ord(letter) < 32 or ord(letter) > 126 for letter in value):
            raise ValueError("must be one line of plain characters")
        return value

    @field_validator("database_url", "migration_database_url")
    @classmethod
    def _postgres(cls, value: str) -> str:
        plain = value.strip()
        if plain and urlsplit(plain).scheme not in addresses.SCHEMES:
            raise ValueError("must begin with postgresql:// (other databases are not supported)")
        return plain

    @field_validator("redis_url", "rq_redis_url", "rate_limit_redis_url")
    @classmethod
    def _redis(cls, value: str) -> str:
        plain = value.strip()
        if plain and urlsplit(plain).scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return plain

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: str) -> str:
        mail.check(value.strip())
        return value.strip()

    @field_validator("mail_from")
    @classmethod
    def _one_sender(cls, value: str) -> str:
        if "\n" in value or "\r" in value or (value.strip() and "@" not in value):
            raise ValueError("must be one e-mail address, with or without a name")
        return value.strip()

    @field_validator("base_url")
    @classmethod
    def _absolute(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an absolute address that begins with http:// or https://")
        return value.strip().rstrip("/")

    @field_validator("secret_key", "field_encryption_key")
    @classmethod
    def _long_enough(cls, value: str) -> str:
        plain = value.strip()
        if plain and len(plain) < KEY_LENGTH:
            raise ValueError(f"must have at least {KEY_LENGTH} random characters")
        return plain

    @model_validator(mode="after")
    def _fill_secrets(self) -> Self:
        """Make the secrets that are unset; production has to be given them."""
        makers = {
            "secret_key": lambda: secrets.token_urlsafe(50),
            "field_encryption_key": lambda: secrets.token_urlsafe(50),
        }
        if "local" in self.auth_modes:
            makers["local_auth_token"] = lambda: secrets.token_hex(32)
        for name, make in makers.items():
            if name in self.model_fields_set and (
                name == "local_auth_token" or getattr(self, name)
            ):
                continue
            if self.is_production:
                raise ValueError(f"{name.upper()} must be set when ENVIRONMENT=production")
            secret = secret_files.load_or_create(self.data_dir, name, make)
            object.__setattr__(self, name, secret)
        if "local" in self.auth_modes:
            _check_token(self.local_auth_token)
        if self.is_production and self.base_url is None:
            raise ValueError("BASE_URL must be set when ENVIRONMENT=production")
        return self

    @model_validator(mode="after")
    def _complete_modes(self) -> Self:
        """A way of signing in that is on has everything it needs."""
        if "clerk" in self.auth_modes and not self.clerk_secret_key.strip():
            raise ValueError("CLERK_SECRET_KEY must be set when AUTH_MODE names clerk")
        if "oidc" in self.auth_modes:
            for name in ("oidc_issuer", "oidc_client_id"):
                if not getattr(self, name).strip():
                    raise ValueError(f"{name.upper()} must be set when AUTH_MODE names oidc")
            if self.is_production and not self.oidc_issuer.startswith("https://"):
                raise ValueError("OIDC_ISSUER must begin with https:// when ENVIRONMENT=production")
        return self

    @cached_property
    def effective_database_url(self) -> str:
        """The named database, else the bundled one of the data folder."""
        if self.database_url:
            return self.database_url
        state = service_state.read(self.data_dir)
        return state.database_url if state else "postgresql://missioncontrol@127.0.0.1:1/none"

    @cached_property
    def embedded_ports(self) -> tuple[int, ...]:
        """Loopback ports of the bundled services, also where the product uses their sockets."""
        state = service_state.read(self.data_dir)
        return (state.postgres_port, state.valkey_port) if state else ()

    @cached_property
    def effective_redis_url(self) -> str:
        """The named Redis or Valkey, else the bundled one of the data folder."""
        if self.redis_url or self.rq_redis_url:
            return self.redis_url or self.rq_redis_url
        state = service_state.read(self.data_dir)
        return state.redis_url if state else "redis://127.0.0.1:1/0"


def _parts(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _is_origin(text: str) -> bool:
    """Scheme, host and perhaps a port, as browsers write an origin."""
    parts = urlsplit(text)
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and "*" not in text
        and f"{parts.scheme}://{parts.netloc}" == text
        and "@" not in parts.netloc
    )


def _check_token(token: str) -> None:
    plain = token.strip()
    if plain.lower() in SAMPLE_TOKENS:
        raise ValueError("LOCAL_AUTH_TOKEN still holds the sample value; set a random one")
    if len(plain) < TOKEN_LENGTH:
        raise ValueError(f"LOCAL_AUTH_TOKEN must have at least {TOKEN_LENGTH} characters")


def load(**overrides: object) -> Env:
    """Read the environment.

    Raises:
        ConfigurationError: a value is missing or unusable; names it, never quotes it.
    """
    try:
        return Env(**overrides)  # type: ignore[arg-type]  # checked by the model itself
    except ValidationError as error:
        raise ConfigurationError(_one_line(error)) from None
    except OSError as error:
        raise ConfigurationError(
            f"The secrets cannot be kept in {error.filename}: {error.strerror}. "
            "Name another data folder with DATA_DIR."
        ) from None


def _one_line(error: ValidationError) -> str:
    parts = []
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        name = "_".join(str(part) for part in item["loc"]).upper()
        text = item["msg"].removeprefix("Value error, ")
        parts.append(f"{name} {text[:1].lower()}{text[1:]}" if name else text)
    return "Configuration: " + "; ".join(parts) + "."


_current: Env | None = None


def current() -> Env:
    """The settings of this process, read once.

    Raises:
        SystemExit: they are unusable; the reason is printed as one line.
    """
    global _current  # noqa: PLW0603 - read once per process
    if _current is None:
        try:
            _current = load()
        except ConfigurationError as error:
            raise SystemExit(str(error)) from None
    return _current


def install(env: Env) -> None:
    """Use ``env`` in this process; the test settings bring their own."""
    global _current  # noqa: PLW0603 - read once per process
    _current = env


def settings_module() -> str:
    """Name of the Django settings that fit the environment."""
    return f"missioncontrol.settings.{'prod' if current().is_production else 'dev'}"
