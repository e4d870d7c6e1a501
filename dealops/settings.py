"""All settings, read from the environment and nowhere else. `.env.example` has a sentence for each."""

from pathlib import Path

import pghistory
from django.core.exceptions import ImproperlyConfigured
from environs import Env

from dealops import embedded, logs, production

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()
env.read_env(BASE_DIR / ".env", recurse=False)

# --- profile -------------------------------------------------------------------------------------------------------
DEMO = env.bool("DEMO", False)
DEBUG = env.bool("DEBUG", False)
PRODUCTION = env.bool("PRODUCTION", False)
UNSAFE_SECRET_KEY = "insecure-key-for-a-single-machine-only"  # noqa: S105
SECRET_KEY = env.str("SECRET_KEY", UNSAFE_SECRET_KEY)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", [])
# Seal what lies encrypted in the database: the first one seals, every one opens (dealops/accounts/sealing.py).
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEYS", [])
# Signs anchors and exports of the audit log; SECRET_KEY does when it is empty.
AUDIT_KEY = env.str("AUDIT_KEY", "")
AUDIT_ANCHOR_TO = env.list("AUDIT_ANCHOR_TO", [])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", [] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", [])
SITE_URL = env.str("SITE_URL", "http://127.0.0.1:8000")
# TLS in front: cookies, redirects and HSTS follow this one switch.
HTTPS = env.bool("HTTPS", PRODUCTION)

# --- servers: those named in the environment, else the embedded pair below var/ -------------------------------------
VAR_DIR = Path(env.str("DEALOPS_VAR", str(BASE_DIR / "var")))
_embedded = embedded.urls(VAR_DIR)
DATABASE_URL = env.str("DATABASE_URL", "") or _embedded.database_url
REDIS_URL = env.str("REDIS_URL", "") or _embedded.redis_url

DATABASES = {"default": env.dj_db_url("DATABASE_URL", DATABASE_URL)}
DATABASES["default"].update(
    ATOMIC_REQUESTS=False,
    CONN_MAX_AGE=None,
    CONN_HEALTH_CHECKS=True,
    OPTIONS={
        **DATABASES["default"].get("OPTIONS", {}),
        "options": "-c lock_timeout=3s -c statement_timeout=15s -c idle_in_transaction_session_timeout=30s",
    },
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": embedded.redis_database(REDIS_URL, 2),
        "KEY_PREFIX": "dealops",
    }
}

# --- applications ----------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "dealops.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "pgtrigger",
    "pghistory",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "csp",
    "django_htmx",
    "django_structlog",
    "dealops.stack",
    "dealops.accounts",
    "dealops.audit",
    "dealops.outbox",
    "dealops.rest",
    "billing",
    "expansion",
]

MIDDLEWARE = [
    "dealops.health_middleware.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "dealops.accounts.middleware.SessionLifetimeMiddleware",
    "dealops.accounts.middleware.SecondFactorMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "dealops.audit.middleware.AuditContextMiddleware",
]

ROOT_URLCONF = "dealops.urls"
WSGI_APPLICATION = "dealops.wsgi.application"
ASGI_APPLICATION = "dealops.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dealops.accounts.frame.account_frame",
            ],
            "builtins": [
                "billing.templatetags.components",
                "billing.templatetags.dates",
                "billing.templatetags.lights",
                "billing.templatetags.money",
            ],
        },
    }
]

# Row history (dealops/audit/history.py): a column that points elsewhere is copied without an index of its own.
PGHISTORY_FOREIGN_KEY_FIELD = pghistory.ForeignKey(db_index=False)

# --- people ----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/home"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "dealops.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {"login": "dealops.accounts.forms.LoginForm"}
ACCOUNT_SESSION_REMEMBER = False
# Asked for again before acts that weigh a lot (dealops/accounts/step_up.py), unless shown this recently.
STEP_UP_SECONDS = env.int("STEP_UP_SECONDS", 300)
# Approving more than this asks again, by currency; a currency that is not named always asks.
STEP_UP_AMOUNTS = env.dict("STEP_UP_AMOUNTS", {"GBP": 10000, "EUR": 10000, "USD": 10000, "JPY": 1500000}, subcast_values=int)
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if env.bool("TRUST_PROXY", False) else 0
ACCOUNT_REAUTHENTICATION_TIMEOUT = STEP_UP_SECONDS
PASSWORD_RESET_TIMEOUT = 3600
# A second factor for everybody; the people of the demo sign in with one click.
MFA_REQUIRED = env.bool("MFA_REQUIRED", PRODUCTION)
MFA_ADAPTER = "dealops.accounts.adapter.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# A code typed at the end of its half minute, or a clock half a minute off, still gets in (RFC 6238, section 5.2: one step at most).
MFA_TOTP_TOLERANCE = 1
# E-mail addresses are given by RevOps, not claimed by people.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
# The company's sign-in by OpenID Connect, when its address is set. Somebody unknown is refused unless a role is given for new people.
OIDC_ID = "company"
OIDC_SERVER_URL = env.str("OIDC_SERVER_URL", "")
OIDC_NAME = env.str("OIDC_NAME", "your company")
OIDC_TRUST_EMAIL = env.bool("OIDC_TRUST_EMAIL", False)
OIDC_DEFAULT_ROLE = env.str("OIDC_DEFAULT_ROLE", "")
OIDC_ROLE_CLAIM = env.str("OIDC_ROLE_CLAIM", "groups")
OIDC_ROLES = env.dict("OIDC_ROLES", {})
SOCIALACCOUNT_ADAPTER = "dealops.accounts.adapter.SocialAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": OIDC_ID,
                "name": OIDC_NAME,
                "client_id": env.str("OIDC_CLIENT_ID", ""),
                "secret": env.str("OIDC_CLIENT_SECRET", ""),
                "settings": {"server_url": OIDC_SERVER_URL},
            }
        ]
        if OIDC_SERVER_URL
        else [],
    }
}
# A session ends this long after it began, and this long after its last use.
SESSION_COOKIE_AGE = 43200
SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_SECONDS", 43200 if DEMO else 1800)
SESSION_COOKIE_NAME = "__Host-sid" if HTTPS else "sid"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS
CSRF_USE_SESSIONS = True
CSRF_FAILURE_VIEW = "dealops.problems.csrf_failure"

# --- security headers --------------------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("TRUST_PROXY", False) else None
# Probes reach the container without TLS.
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Forms and API bodies; files are held to their own limits (dealops/rest/uploads.py).
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        # Unfold's Alpine build evaluates expressions (ecosystem decision: 'unsafe-eval', no inline scripts).
        "script-src": ["'self'", "'unsafe-eval'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
    }
}

# --- language, time ------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_TZ = True
# The zone in which pages show moments; business dates follow each legal entity.
TIME_ZONE = env.str("TIME_ZONE", "UTC")

# --- static files --------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(VAR_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
# For work on the pages and for tests: serve static files from their sources, without collecting them first.
STATIC_FROM_SOURCE = env.bool("STATIC_FROM_SOURCE", DEBUG)
WHITENOISE_USE_FINDERS = STATIC_FROM_SOURCE
# Compressing takes half a minute and saves bytes on a wire; one machine talking to itself has none.
STATIC_COMPRESSED = env.bool("STATIC_COMPRESSED", PRODUCTION)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if STATIC_FROM_SOURCE
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if STATIC_COMPRESSED
        else "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    },
}

# --- Celery: bells only (reliability section 2) --------------------------------------------------------------------------
CELERY_BROKER_URL = embedded.celery_url(REDIS_URL)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 60
CELERY_TASK_SOFT_TIME_LIMIT = 45
CELERY_VISIBILITY_TIMEOUT = 300
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 300, "unacked_restore_interval": 10, "unacked_restore_throttle": 1}
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": 300}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "post"
CELERY_TASK_ROUTES = {
    "dealops.audit.tasks.anchor": {"queue": "bulk"},
    "dealops.outbox.tasks.drain": {"queue": "post"},
    "expansion.tasks.business_day": {"queue": "bulk"},
    "billing.tasks.reconcile": {"queue": "bulk"},
    "expansion.tasks.forget": {"queue": "bulk"},
}
CELERY_TIMEZONE = "UTC"
BUSINESS_DAY_SECONDS = env.int("BUSINESS_DAY_SECONDS", 300)
OUTBOX_SWEEP_SECONDS = env.int("OUTBOX_SWEEP_SECONDS", 2)
# How long one worker may hold a message; a lost worker's message is taken over after it (F21).
OUTBOX_LEASE_SECONDS = env.float("OUTBOX_LEASE_SECONDS", 60)
# Waits before each look-up of an effect nobody answered for (F33): soon, then 1 min, 5 min, 30 min, 2 h, 1 day.
OUTBOX_LOOKUP_SECONDS = env.list("OUTBOX_LOOKUP_SECONDS", [3, 60, 300, 1800, 7200, 86400], subcast=int)
CELERY_BEAT_SCHEDULE = {
    # Once a day does something; more often, so that a day on which beat was down in the morning is anchored too.
    "audit-anchor": {"task": "dealops.audit.tasks.anchor", "schedule": 3600, "options": {"expires": 3600}},
    "outbox-sweep": {"task": "dealops.outbox.tasks.sweep", "schedule": OUTBOX_SWEEP_SECONDS, "options": {"expires": 30}},
    # Often enough that every legal entity's day begins soon after its own midnight; a run that finds nothing due costs milliseconds.
    "business-day": {
        "task": "expansion.tasks.business_day",
        "schedule": BUSINESS_DAY_SECONDS,
        "options": {"expires": BUSINESS_DAY_SECONDS},
    },
    # Asked often, done once an hour.
    "plays": {"task": "expansion.tasks.plays", "schedule": BUSINESS_DAY_SECONDS, "options": {"expires": BUSINESS_DAY_SECONDS}},
    # Asked often, done once an hour.
    "crm-poll": {"task": "expansion.tasks.crm_poll", "schedule": BUSINESS_DAY_SECONDS, "options": {"expires": BUSINESS_DAY_SECONDS}},
    "reconcile": {"task": "billing.tasks.reconcile", "schedule": 3600, "options": {"expires": 3600}},
    "forget": {"task": "expansion.tasks.forget", "schedule": 3600, "options": {"expires": 3600}},
}

# --- outside systems -----------------------------------------------------------------------------------------------------
ACCOUNTING = {
    # The ordinary Xero adapter; the demo points it at Ledgerly by changing the address alone.
    "adapter": "billing.adapters.accounting.xero_connection.build",
    "base_url": env.str("XERO_BASE_URL", "https://api.xero.com/api.xro/2.0"),
    "tenant": env.str("XERO_TENANT_ID", ""),
    "token": env.str("XERO_TOKEN", ""),
}
# Our app at Xero's sign-in (docs/connect-xero.md).
XERO_OAUTH = {"id": env.str("XERO_CLIENT_ID", ""), "secret": env.str("XERO_CLIENT_SECRET", "")}
QUICKBOOKS = {
    "adapter": "billing.adapters.accounting.quickbooks.build",
    "base_url": env.str("QUICKBOOKS_BASE_URL", "https://quickbooks.api.intuit.com"),
    "tenant": env.str("QUICKBOOKS_REALM", ""),
    "token": env.str("QUICKBOOKS_TOKEN", ""),
    # The product or service over there that our lines are booked on.
    "options": {"item": env.str("QUICKBOOKS_ITEM", "1")},
}
# Our app at Intuit's sign-in (docs/connect-quickbooks.md).
QUICKBOOKS_OAUTH = {"id": env.str("QUICKBOOKS_CLIENT_ID", ""), "secret": env.str("QUICKBOOKS_CLIENT_SECRET", "")}
LEDGERLY_URL = env.str("LEDGERLY_URL", "")
SLACK_TOKEN = env.str("SLACK_TOKEN", "")
SLACK_CHANNEL = env.str("SLACK_CHANNEL", "#finance-approvals")
SLACK_API_URL = env.str("SLACK_API_URL", "https://slack.com/api/")
SLACK_SIGNING_SECRET = env.str("SLACK_SIGNING_SECRET", "")
# HubSpot (docs/connect-hubspot.md); without a token nothing is read or written there.
HUBSPOT_TOKEN = env.str("HUBSPOT_TOKEN", "")
HUBSPOT_WEBHOOK_SECRET = env.str("HUBSPOT_WEBHOOK_SECRET", "")
HUBSPOT_API_URL = env.str("HUBSPOT_API_URL", "https://api.hubapi.com")
# A deal is read at most this often, however many webhooks speak of it (F58).
HUBSPOT_READ_SECONDS = env.float("HUBSPOT_READ_SECONDS", 60)
# A change that took effect is written to the line items of the deal as well.
HUBSPOT_WRITE_LINES = env.bool("HUBSPOT_WRITE_LINES", True)
EMAIL_BACKEND = env.str("EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = str(VAR_DIR / "mail")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "dealops <dealops@localhost>")
ANYMAIL = {"SEND_DEFAULTS": {"tags": ["dealops"]}}

# --- the frame of every page; its colours are in static/dealops/dealops.css ------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "dealops",
    "SITE_HEADER": "dealops",
    "SITE_URL": "/home",
    "SHOW_BACK_BUTTON": True,
    "GLOBAL_CALLBACK": "expansion.web.navigation.frame",
}

# Which rows of a model a person sees in the admin: the roof tells the foundation.
ROW_SCOPE = "expansion.scope.visible"

# --- API -----------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        # Token first: a request that carries one is a program's, whatever session stands beside it, and a stranger gets 401.
        "dealops.rest.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "dealops.rest.schema.AutoSchema",
    "DEFAULT_FILTER_BACKENDS": ["dealops.rest.filters.StrictFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "dealops.rest.pagination.Pages",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["dealops.rest.parsers.StrictJSONParser"],
    "COERCE_DECIMAL_TO_STRING": True,
    "EXCEPTION_HANDLER": "dealops.problems.handler",
    "DEFAULT_THROTTLE_CLASSES": ["dealops.rest.throttling.CallerThrottle"],
    # How many proxies stand in front: what they say of the caller's address is believed, and nothing further away.
    "NUM_PROXIES": 1 if env.bool("TRUST_PROXY", False) else 0,
}
API_RATES = {
    "read": env.str("API_RATE_READ", "1200/min"),
    "write": env.str("API_RATE_WRITE", "600/min"),
    "stranger": env.str("API_RATE_STRANGER", "600/min"),
}
SPECTACULAR_SETTINGS = {
    "TITLE": "dealops API",
    "VERSION": "1",
    "DESCRIPTION": "Change an existing deal once; read what it bills, who decided, and what accounting has. Amounts are decimal strings.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SCHEMA_PATH_PREFIX": "/api/v[0-9]",
    "ENUM_NAME_OVERRIDES": {
        "ChangeState": "expansion.models.changes.STATES",
        "CreditDestination": "billing.domain.impact_value.DESTINATIONS",
        "ContractState": "billing.models.contracts.Contract.State",
        "HandoffState": "expansion.models.changes.Handoff.State",
        "TemplateState": "billing.models.future_invoices.Template.State",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "dealops.rest.schema.add_problems"],
}

# --- logs ----------------------------------------------------------------------------------------------------------------
# Readable lines on one machine, JSON where a collector reads them; secrets are taken out of both.
LOGGING = logs.settings(level=env.str("LOG_LEVEL", "INFO"), as_json=PRODUCTION)

# --- production refuses what only a demo may have ------------------------------------------------------------------------
if PRODUCTION and (
    _refusals := production.refusals(
        demo=DEMO,
        debug=DEBUG,
        secret_key=SECRET_KEY,
        default_key=UNSAFE_SECRET_KEY,
        hosts=ALLOWED_HOSTS,
        database=bool(env.str("DATABASE_URL", "")),
        broker=bool(env.str("REDIS_URL", "")),
        encryption_keys=ENCRYPTION_KEYS,
        called={
            "OIDC_SERVER_URL": OIDC_SERVER_URL,
            "XERO_BASE_URL": str(ACCOUNTING["base_url"]),
            "QUICKBOOKS_BASE_URL": str(QUICKBOOKS["base_url"]),
            "SLACK_API_URL": SLACK_API_URL,
            "HUBSPOT_API_URL": HUBSPOT_API_URL,
            "LEDGERLY_URL": LEDGERLY_URL,
        },
    )
):
    raise ImproperlyConfigured("dealops does not start in production like this:\n  " + "\n  ".join(_refusals))
