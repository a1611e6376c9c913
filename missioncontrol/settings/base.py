"""Settings that hold everywhere; ``dev``, ``prod`` and ``test`` change a few."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from missioncontrol import __version__
from missioncontrol.settings import addresses, env, logs, mail

ENV = env.current()
BASE_DIR = env.ROOT
DATA_DIR = ENV.data_dir
VERSION = __version__

# --- Secrets -------------------------------------------------------------------------------------
SECRET_KEY = ENV.secret_key
FIELD_ENCRYPTION_KEY = ENV.field_encryption_key
LOCAL_AUTH_TOKEN = ENV.local_auth_token.strip()
METRICS_TOKEN = ENV.metrics_token.strip()

# --- Where the product answers -------------------------------------------------------------------
DEBUG = False
BASE_URL = ENV.base_url or f"http://127.0.0.1:{ENV.port}"
ALLOWED_HOSTS = ENV.host_names(BASE_URL)
CORS_ORIGINS = frozenset(ENV.origins)
CSRF_TRUSTED_ORIGINS = [BASE_URL, *ENV.origins]
TRUSTED_PROXIES = ENV.proxies
SECURITY_HEADERS = ENV.security_headers
ROOT_URLCONF = "missioncontrol.urls"
APPEND_SLASH = False
ASGI_APPLICATION = "missioncontrol.asgi.application"

# --- Sign-in -------------------------------------------------------------------------------------
AUTH_MODES = ENV.auth_modes
CLERK_SECRET_KEY = ENV.clerk_secret_key.strip()
CLERK_PUBLISHABLE_KEY = ENV.clerk_publishable_key.strip()
CLERK_API_URL = ENV.clerk_api_url.rstrip("/")
CLERK_ISSUER = ENV.clerk_issuer
CLERK_SIGN_IN_URL = ENV.clerk_sign_in_url
CLERK_AUTHORIZED_PARTIES = frozenset(ENV.authorized_parties)
CLERK_VERIFY_IAT = ENV.clerk_verify_iat
CLERK_LEEWAY = ENV.clerk_leeway
OIDC_ISSUER = ENV.oidc_issuer
OIDC_CLIENT_ID = ENV.oidc_client_id.strip()
OIDC_CLIENT_SECRET = ENV.oidc_client_secret.strip()
OIDC_NAME = ENV.oidc_name.strip()
AUTH_USER_MODEL = "orgs.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = ENV.session_cookie_secure
CSRF_COOKIE_SECURE = ENV.session_cookie_secure
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "missioncontrol.kernel.pages.no_csrf"
SECURE_HSTS_SECONDS = ENV.security_hsts_seconds
GUARDIAN_MONKEY_PATCH_USER = False
ANONYMOUS_USER_NAME = None

# --- E-mail: without a server nothing is sent, and pages offer links to copy ---------------------
_MAIL = mail.settings_of(ENV.smtp_url)
MAIL_IS_ON = bool(ENV.smtp_url)
EMAIL_BACKEND = _MAIL["EMAIL_BACKEND"]
EMAIL_HOST = _MAIL.get("EMAIL_HOST", "localhost")
EMAIL_PORT = _MAIL.get("EMAIL_PORT", 25)
EMAIL_HOST_USER = _MAIL.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = _MAIL.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_SSL = _MAIL.get("EMAIL_USE_SSL", False)
EMAIL_USE_TLS = _MAIL.get("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = SERVER_EMAIL = mail.sender(ENV.mail_from, BASE_URL)

# --- Applications --------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "channels",
    "guardian",
    "django_rq",
    "django_prometheus",
    "missioncontrol.kernel.apps.KernelConfig",
    "activity.apps.ActivityConfig",
    "orgs.apps.OrgsConfig",
    "governance.apps.GovernanceConfig",
    "gateways.apps.GatewaysConfig",
    "boards.apps.BoardsConfig",
    "agents.apps.AgentsConfig",
    "missioncontrol.overview.apps.OverviewConfig",
]

# The admin's pages carry the product's name and lead back to it.
UNFOLD = {
    "SITE_TITLE": "Mission Control",
    "SITE_HEADER": "Mission Control",
    "SITE_URL": "/dashboard",
}

# From outside to inside; a request passes from the first to the last.
MIDDLEWARE = [
    "missioncontrol.kernel.middleware.RequestContextMiddleware",
    "missioncontrol.kernel.layers.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "missioncontrol.kernel.layers.SignedIn",
    "missioncontrol.kernel.layers.Toasts",
    "missioncontrol.kernel.layers.Swaps",
    "missioncontrol.kernel.layers.Languages",
    "orgs.sessions.SeenMiddleware",
    "missioncontrol.kernel.middleware.DomainErrorMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "missioncontrol.kernel.pages.ui",
            ],
        },
    }
]

# --- Data ----------------------------------------------------------------------------------------
DATABASES = {"default": addresses.database(ENV.effective_database_url)}
MIGRATION_DATABASE_URL = ENV.migration_database_url
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = ENV.effective_redis_url
EMBEDDED_PORTS = ENV.embedded_ports
RQ_REDIS_URL = ENV.rq_redis_url or REDIS_URL
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        # The client's own maximum of 100 connections would break at some hundred sockets.
        "CONFIG": {"hosts": [{"address": REDIS_URL, "max_connections": 2048}], "prefix": "mc"},
    }
}
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
    }
}
QUEUES = ("default", "webhooks", "automation", "gateway", "documents")
RQ_QUEUES = {name: {"URL": RQ_REDIS_URL, "DEFAULT_TIMEOUT": 180} for name in QUEUES}
RQ = {"COMMIT_MODE": "auto"}
RQ_SHOW_ADMIN_LINK = False

# --- API -----------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["missioncontrol.kernel.renderers.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "missioncontrol.kernel.openapi.Schema",
    "EXCEPTION_HANDLER": "missioncontrol.kernel.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "DATETIME_FORMAT": "iso-8601",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Mission Control",
    "DESCRIPTION": "Every operation stands at /api/v1 and, the same, at /api.",
    "PREPROCESSING_HOOKS": ["missioncontrol.kernel.openapi.canonical"],
    "POSTPROCESSING_HOOKS": [
        "missioncontrol.kernel.openapi.complete",
        "missioncontrol.kernel.openapi_probes.add_probes",
        "missioncontrol.stream_schemas.describe_frames",
        "missioncontrol.kernel.openapi_links.add_links",
    ],
    "VERSION": __version__,
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- Languages and time --------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Files ---------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MEDIA_ROOT = DATA_DIR / "files"
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
X_FRAME_OPTIONS = "DENY"

# --- Rules that an operator may change -----------------------------------------------------------
DB_AUTO_MIGRATE = ENV.migrates_at_start
GATEWAY_MIN_VERSION = ENV.gateway_min_version
OUTBOUND_ALLOW_PRIVATE = ENV.outbound_allow_private
OUTBOUND_ALLOW_PRIVATE_GATEWAYS = ENV.outbound_allow_private_gateways
ALLOW_SIMULATOR = ENV.allow_simulator or not ENV.is_production
APPROVAL_FOUR_EYES = ENV.approval_four_eyes
AGENT_RATE_LIMIT = ENV.agent_rate_limit
RATE_LIMIT_BACKEND = ENV.rate_limit_backend
RATE_LIMIT_REDIS_URL = ENV.rate_limit_redis_url
HTTP_THREADS = ENV.http_threads
ASGI_SERVER = ENV.asgi_server
ACTIVITY_RETENTION_DAYS = ENV.activity_retention_days
WEBHOOK_MAX_PAYLOAD_BYTES = ENV.webhook_max_payload_bytes
RQ_DISPATCH_THROTTLE_SECONDS = ENV.rq_dispatch_throttle_seconds
RQ_DISPATCH_MAX_RETRIES = ENV.rq_dispatch_max_retries
RQ_DISPATCH_RETRY_BASE_SECONDS = ENV.rq_dispatch_retry_base_seconds
RQ_DISPATCH_RETRY_MAX_SECONDS = ENV.rq_dispatch_retry_max_seconds
SECURITY_HSTS_SECONDS = ENV.security_hsts_seconds
OWN_PORT = ENV.port
DEFAULT_SKILL_PACKS = [part.strip() for part in ENV.default_skill_packs.split(",") if part.strip()]
SKILL_PACK_HOSTS = [part.strip() for part in ENV.skill_pack_hosts.split(",") if part.strip()]
SOULS_DIRECTORY_URL = ENV.souls_directory_url.strip().rstrip("/")

# --- Models: "none" unless set; every use has a fall-back by rules -------------------------------
LLM_PROVIDER = ENV.llm_provider
LLM_BASE_URL = ENV.llm_base_url
LLM_API_KEY = ENV.llm_api_key
LLM_MODEL = ENV.llm_model
EMBEDDING_PROVIDER = ENV.embedding_provider
EMBEDDING_BASE_URL = ENV.embedding_base_url
EMBEDDING_API_KEY = ENV.embedding_api_key
EMBEDDING_MODEL = ENV.embedding_model

# --- Logs ----------------------------------------------------------------------------------------
SLOW_QUERY_MS = ENV.slow_query_ms
SLOW_REQUEST_MS = ENV.slow_request_ms
LOGGING_CONFIG = None  # set up once per process by missioncontrol.settings.logs
logs.configure(level=ENV.log_level, style=ENV.log_format)
