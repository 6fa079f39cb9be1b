"""Django settings, read from the environment. docs/operator.md lists the variables."""

import os
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from apps.api.openapi.tags import TAGS
from apps.common.http.addresses import parse_networks
from apps.common.http.proxies import parse_proxy
from apps.common.logging import configure_structlog, logging_config
from apps.common.postgresql.connections import BoundedConnection, check_connection
from apps.common.postgresql.limits import LIMITS, ProcessKind, connection_options, socket_options
from apps.feeds.mailbox.address import parse_mailbox_url
from apps.intake.accounts.clients.addresses import parse_addresses
from registry.environment import BadAddress, kept_secret, mailer, redis_client_url
from registry.process_kind import process_kind
from registry.sign_on import group_rules, saml_sign_on, sign_on
from registry.variables import Variables
from registry.version import VERSION

# an empty variable counts as unset: compose files pass on unset variables as empty ones
environ.Env.ENVIRON = {name: value for name, value in os.environ.items() if value}
env = Variables()

BASE_DIR = Path(__file__).resolve().parent.parent
# production refuses to start half configured; demo runs on one machine without TLS; test is for the
# test-suite
REGISTRY_VERSION = VERSION
REGISTRY_ENV = env.str("REGISTRY_ENV", default="production")
if REGISTRY_ENV not in {"production", "demo", "test"}:
    raise ImproperlyConfigured("REGISTRY_ENV must be production, demo or test.")
PRODUCTION = REGISTRY_ENV == "production"
TESTING = REGISTRY_ENV == "test"
# an absolute path, so that the working directory of the process does not matter
REGISTRY_DATA = (BASE_DIR / env.str("REGISTRY_DATA", default=".data")).resolve()

DEBUG = env.bool("DEBUG", default=False)


def required(name: str, *, otherwise: str) -> str:
    """Return the variable's value; outside production `otherwise` is the default."""
    value = env.str(name, default="")
    if value:
        return str(value)
    if PRODUCTION:
        raise ImproperlyConfigured(f"Set {name}; see docs/operator.md.")
    return otherwise


# a shorter text can be guessed from a stolen copy of the database
MIN_CREDENTIAL_KEY_LENGTH = 32


def retention_days(name: str, *, default: int, least: int) -> int:
    """Return the variable's days, which are 0 (for ever) or `least` at least."""
    days: int = env.int(name, default=default)
    if days < 0 or 0 < days < least:
        raise ImproperlyConfigured(f"{name} must be 0 (no limit) or at least {least}.")
    return days


# --- identity -------------------------------------------------------------------------------------
if TESTING:
    SECRET_KEY = "for-tests-only"  # noqa: S105
elif PRODUCTION:
    SECRET_KEY = required("SECRET_KEY", otherwise="")
else:
    SECRET_KEY = env.str("SECRET_KEY", default="") or kept_secret(REGISTRY_DATA / "secret_key")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# keys of the stored credentials of cloud accounts, the one that encrypts first; without them they
# are derived from SECRET_KEY
CREDENTIAL_KEYS = env.list("CREDENTIAL_KEYS", default=[])
if any(len(key) < MIN_CREDENTIAL_KEY_LENGTH for key in CREDENTIAL_KEYS):
    raise ImproperlyConfigured(
        f"Each key of CREDENTIAL_KEYS must have at least {MIN_CREDENTIAL_KEY_LENGTH} characters."
    )

PUBLIC_URL = required(
    "PUBLIC_URL", otherwise=f"http://127.0.0.1:{env.int('PORT', default=8000)}"
).rstrip("/")
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS",
    default=[PUBLIC_URL.split("://")[-1].rsplit(":", 1)[0]]
    if PRODUCTION
    else ["127.0.0.1", "localhost", "[::1]", "testserver"],
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[PUBLIC_URL])
# proxies in front that set X-Forwarded-For themselves (apps/common/requests/networks.py)
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
ROOT_URLCONF = "registry.urls"
WSGI_APPLICATION = "registry.wsgi.application"
ASGI_APPLICATION = "registry.asgi.application"

INSTALLED_APPS = [
    "apps.common",
    "apps.accounts",
    "apps.catalog",
    "apps.inventory",
    "apps.feeds",
    "apps.intake",
    "apps.risks",
    "apps.exposure",
    "apps.issues",
    "apps.alerts",
    "apps.reports",
    "apps.gate",
    "apps.demo",
    "apps.api",
    "apps.web",
    "tools",
    "apps.accounts.admin_config.ReadOnlyAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    # whitenoise serves static files under runserver too, so that every mode behaves alike
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    # links sessions to users, for the list under Account
    "allauth.usersessions",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pghistory",
    "pgtrigger",
    "rest_framework",
]

MIDDLEWARE = [
    "apps.common.logging.RequestIdMiddleware",
    # before the checks of host and TLS: probes come from inside, by address, without either
    "apps.common.requests.health.ProbeMiddleware",
    # around every middleware that can reject a request, and whitenoise's files
    "apps.common.requests.access_log.AccessLogMiddleware",
    # before plain HTTP is redirected
    "registry.middleware.PlainHttpMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "registry.middleware.BrowserRulesMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # around everything that reads the database, sessions included
    "registry.middleware.LostConnectionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # reading by REST without a cookie continues at the view: what follows is about sessions, forms
    # and changes. A rule for every request stands above
    "registry.middleware.SessionlessMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # before any middleware reads request.user
    "apps.accounts.sign_in.middleware.SessionTimeoutMiddleware",
    # a page requires sign-in unless its view has login_not_required; REST views authenticate by
    # themselves
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "apps.accounts.sign_in.middleware.SecondFactorMiddleware",
    "registry.middleware.UnwritableTextMiddleware",
    "registry.middleware.BusyMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    # around the history of the request: what follows from a change is recorded as the registry's
    "registry.middleware.IssueEvaluationMiddleware",
    "registry.middleware.RequestHistoryMiddleware",
    # last: SessionlessMiddleware calls what it calls
    "registry.middleware.ViewEntranceMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "apps.common.template_loader.UnindentedLoader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- database -------------------------------------------------------------------------------------
# PostgreSQL only: docs/decisions/0001-one-database-engine.md
DATABASE_URL = required("DATABASE_URL", otherwise="postgres://postgres@127.0.0.1:5432/registry")
# maximum open connections of each process; 0 opens one per request or task
DATABASE_POOL = env.int("DATABASE_POOL", default=0 if TESTING else 8)
_database: dict[str, Any] = env.db_url_config(DATABASE_URL)
if _database.get("ENGINE") != "django.db.backends.postgresql":
    raise ImproperlyConfigured(
        "DATABASE_URL must start with postgres://. Other databases are not supported."
    )
# lists are read by statements that a connection prepares once; off for a pooler that hands on
# connections in between, and with them cursors that outlast their transaction
DATABASE_PREPARE = env.bool("DATABASE_PREPARE", default=True)
if not DATABASE_PREPARE:
    _database["DISABLE_SERVER_SIDE_CURSORS"] = True
_database["CONN_MAX_AGE"] = 0  # the pool keeps connections, Django must not
_database["CONN_HEALTH_CHECKS"] = True
# web, worker or command: each has its own time limits, see docs/operator.md
DATABASE_LIMITS = LIMITS[process_kind()]
_database["ENGINE"] = "apps.common.postgresql"
_database["OPTIONS"] = {
    "connect_timeout": DATABASE_LIMITS.connect,
    "application_name": f"registry {process_kind()}",
    **socket_options(),
    **_database.get("OPTIONS", {}),
}
# a pooler refuses or drops them, since its clients share connections; see docs/operator.md for
# setting them in the pooler
if DATABASE_PREPARE and (_options := connection_options(DATABASE_LIMITS)):
    # the operator's own options come last and take precedence
    _database["OPTIONS"]["options"] = (
        f"{_options} {_database['OPTIONS'].get('options', '')}".strip()
    )
if DATABASE_POOL:
    _database["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": DATABASE_POOL,
        "timeout": DATABASE_LIMITS.pool,
        "max_idle": 300,
        "connection_class": BoundedConnection,
        "check": check_connection,
        # at most as long as a user waits: longer pauses between attempts would outlast an outage
        "reconnect_timeout": DATABASE_LIMITS.pool,
    }
if test_database := env.str("TEST_DATABASE", default=""):
    _database["TEST"] = {"NAME": test_database}
if not _database["HOST"]:
    # libpq's own spelling of a unix socket, `?host=/folder`, repeated where Django's tools look for
    # it
    _database["HOST"] = _database["OPTIONS"].pop("host", "")
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# history: written by triggers only
PGHISTORY_APPEND_ONLY = True
PGHISTORY_MIDDLEWARE_METHODS = ("POST", "PUT", "PATCH", "DELETE")
# --- retention: apps/common/retention.py lists every table; 0 days: never -------------------------
# versions of ended records, and imports with their users: seven years
HISTORY_DAYS = retention_days("HISTORY_DAYS", default=2557, least=30)
# runs and jobs that are over: polls, losses, what-ifs, bulk jobs, long files
RUN_DAYS = retention_days("RUN_DAYS", default=366, least=30)
# bodies of polls, files of imports and the rows read from them
PAYLOAD_DAYS = retention_days("PAYLOAD_DAYS", default=90, least=7)
# notifications and messages of resolved alerts
LEDGER_DAYS = retention_days("LEDGER_DAYS", default=730, least=90)

# days after which sign-ins, attempts and other events of accounts are forgotten
ACCOUNT_EVENT_DAYS = env.int("ACCOUNT_EVENT_DAYS", default=365)
if ACCOUNT_EVENT_DAYS < 30:
    raise ImproperlyConfigured("ACCOUNT_EVENT_DAYS must be at least 30.")

# --- broker, cache and background work ------------------------------------------------------------
BROKER_URL = required("BROKER_URL", otherwise="redis://127.0.0.1:6379/0")
try:
    # the queue is logical database 0 unless the URL names another; heartbeat and throttling
    # counters are in other databases
    CACHE_URL = env.str("CACHE_URL", default="") or redis_client_url(BROKER_URL, database=1)
    # the queue's own database, for its length in /metrics
    BROKER_CLIENT_URL = redis_client_url(BROKER_URL)
except BadAddress as error:
    raise ImproperlyConfigured(str(error)) from error

CACHES: dict[str, Any] = {
    "default": {"BACKEND": "registry.cache.LocalCache"}
    if TESTING
    else {
        "BACKEND": "registry.cache.ForgivingRedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": "registry",
        # version 1 held pickles, which are no longer read
        "VERSION": 2,
        # one more attempt on a new connection, then continue without the cache; the library would
        # retry ten times with pauses, and also wait again for a silent server
        "OPTIONS": {
            "serializer": "registry.cache.JSONSerializer",
            "socket_timeout": 1,
            "socket_connect_timeout": 1,
            "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        },
    }
}

CELERY_BROKER_URL = BROKER_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker outlasts any outage of the broker
# also a broker that responds but rejects writes: without its replicas, with a full disk, or demoted
# to a replica
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
# a page only sends, and beat repeats tasks that could not be sent; a worker waits for work (a new
# connection waits up to five times, once for each step of its handshake)
_web_broker = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
_worker_broker = {"socket_timeout": 30, "socket_connect_timeout": 5}
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # longer than any task may run, or the broker hands a running task to a second worker
    "visibility_timeout": 3600,
    **(_web_broker if process_kind() is ProcessKind.WEB else _worker_broker),
}
CELERY_TASK_TIME_LIMIT = 1800
CELERY_TASK_SOFT_TIME_LIMIT = 1740
# a message is done when its work is done: a killed worker's task runs again, and tasks are safe to
# run twice
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# a worker at a job that a person waits for (apps/common/jobs.py) shows itself every so many
# seconds; without a sign for so many, the next sweep, which beat sends every minute, takes the job
# over: within two minutes of the last sign
JOB_HEARTBEAT_SECONDS = 10
JOB_TAKEOVER_SECONDS = 45
CELERY_WORKER_MAX_TASKS_PER_CHILD = 1000
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TASK_IGNORE_RESULT = True  # results are in the database, not in a result backend
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 3,
    "interval_start": 0.1,
    "interval_step": 0.3,
    "interval_max": 1,
}
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
# sends entries that recur within a minute; the others are due by their last runs, stored in
# PostgreSQL
CELERY_BEAT_SCHEDULER = "registry.beat:FrequentScheduler"
CELERY_TASK_ALWAYS_EAGER = TESTING
CELERY_TASK_EAGER_PROPAGATES = True


def _every(task: str, cadence: timedelta) -> dict[str, Any]:
    """Return an entry whose message expires before the next is sent, so that an absent worker does
    not find a pile of repeats.

    One that runs less often than every minute is sent by `common.enqueue_due_jobs`, which ensures
    the same."""
    return {"task": task, "schedule": cadence, "options": {"expires": cadence.total_seconds()}}


CELERY_BEAT_SCHEDULE = {
    "every minute: enqueue due periodic jobs": _every(
        "common.enqueue_due_jobs", timedelta(minutes=1)
    ),
    "every minute: poll due sources": _every("feeds.enqueue_due_sources", timedelta(minutes=1)),
    "every ten minutes: apply due catalogue facts": _every(
        "catalog.apply_due_facts", timedelta(minutes=10)
    ),
    "every five minutes: read the mailbox of notices": _every(
        "feeds.receive_mail", timedelta(minutes=5)
    ),
    "every hour: apply expired holds": _every("feeds.end_holds", timedelta(hours=1)),
    "every hour: report source disagreements": _every(
        "feeds.tell_disagreements", timedelta(hours=1)
    ),
    "every five minutes: refresh exposure": _every(
        "exposure.refresh_exposure", timedelta(minutes=5)
    ),
    "every minute: refresh stored findings and runways": _every(
        "inventory.keep_findings", timedelta(minutes=1)
    ),
    "every minute: run pending scenarios and loss simulations": _every(
        "exposure.run_what_ifs", timedelta(minutes=1)
    ),
    "every ten minutes: update refresh campaigns": _every(
        "exposure.keep_campaigns", timedelta(minutes=10)
    ),
    "every hour: refresh minimal cut sets": _every(
        "exposure.keep_smallest_sets", timedelta(hours=1)
    ),
    "every hour: take the daily exposure snapshot": _every(
        "exposure.take_snapshot", timedelta(hours=1)
    ),
    "every five minutes: refresh inherited risks": _every(
        "risks.refresh_risks", timedelta(minutes=5)
    ),
    "every minute: recount changed inherited risks": _every(
        "risks.count_inherited_risk", timedelta(minutes=1)
    ),
    "every minute: evaluate issues": _every("issues.evaluate", timedelta(minutes=1)),
    "every minute: synchronise tickets": _every("issues.synchronise_tickets", timedelta(minutes=1)),
    "every minute: raise alerts on events and issues": _every(
        "alerts.raise_alerts", timedelta(minutes=1)
    ),
    "every ten minutes: raise alerts on dates and states": _every(
        "alerts.raise_due_alerts", timedelta(minutes=10)
    ),
    "every ten minutes: escalate, wake and resolve alerts": _every(
        "alerts.keep_alerts", timedelta(minutes=10)
    ),
    "every minute: send due digests": _every("alerts.send_due_digests", timedelta(minutes=1)),
    "every day: delete old messages and notifications": _every(
        "alerts.forget_old_messages", timedelta(days=1)
    ),
    "every minute: send due webhooks": _every("alerts.send_webhooks", timedelta(minutes=1)),
    "every minute: answer requests from Slack": _every(
        "alerts.answer_slack_requests", timedelta(minutes=1)
    ),
    "every minute: resume pending imports": _every(
        "intake.carry_out_waiting_imports", timedelta(minutes=1)
    ),
    "every minute: match observed usage with the inventory": _every(
        "intake.reconcile_observations", timedelta(minutes=1)
    ),
    "every ten minutes: find usage discrepancies": _every(
        "intake.find_discrepancies", timedelta(minutes=10)
    ),
    "every day: retry unrecognised names": _every("intake.follow_catalogue", timedelta(days=1)),
    "every minute: file pending evaluation results": _every(
        "risks.file_evaluations", timedelta(minutes=1)
    ),
    "every twenty seconds: aggregate received calls": _every(
        "intake.add_up_calls", timedelta(seconds=20)
    ),
    "every ten minutes: pull due cloud accounts": _every(
        "intake.pull_due_accounts", timedelta(minutes=10)
    ),
    "every minute: resume pending account pulls": _every(
        "intake.pull_waiting_accounts", timedelta(minutes=1)
    ),
    "every hour: delete old counted calls": _every("intake.forget_calls", timedelta(hours=1)),
    "every day: delete files of old imports": _every("intake.forget_old_files", timedelta(days=1)),
    "every minute: resume pending bulk jobs": _every(
        "api.carry_out_waiting_jobs", timedelta(minutes=1)
    ),
    "every day: delete expired raw payloads": _every(
        "feeds.forget_old_payloads", timedelta(days=1)
    ),
    "every minute: evaluate pending gate runs": _every("gate.judge_waiting", timedelta(minutes=1)),
    "every day: delete old gate runs": _every("gate.forget_old_runs", timedelta(days=1)),
    "every minute: send account emails": _every(
        "accounts.send_account_emails", timedelta(minutes=1)
    ),
    "every day: delete old account events": _every(
        "accounts.purge_account_events", timedelta(days=1)
    ),
    "every day: delete expired rows": _every("common.delete_expired_rows", timedelta(days=1)),
    "every day: delete expired history": _every("accounts.purge_old_history", timedelta(days=1)),
    "every minute: create requested evidence packs": _every(
        "reports.make_packs", timedelta(minutes=1)
    ),
    "every minute: write requested export files": _every("web.write_files", timedelta(minutes=1)),
    "every hour: delete expired export files": _every(
        "inventory.drop_expired_files", timedelta(hours=1)
    ),
    "every hour: delete expired evidence packs": _every(
        "reports.drop_expired_packs", timedelta(hours=1)
    ),
    "every three hours: refresh report completeness figures": _every(
        "reports.keep_figures", timedelta(hours=3)
    ),
    "every thirty seconds: record the worker heartbeat": _every(
        "common.heartbeat", timedelta(seconds=30)
    ),
}

# probes at /healthz/NAME, one check each, beside /healthz and /readyz
# (apps/common/requests/health.py)
HEALTH_CHECKS = {
    "broker": "apps.common.requests.health.check_broker",
    "worker": "apps.common.requests.health.check_worker",
    "feeds": "apps.alerts.kinds.feeds.health.check_feeds",
}

# what manage.py doctor checks, in this order: a function of the time for each part
# (apps/common/installation/diagnosis.py)
INSTALLATION_CHECKS = {
    "settings": "apps.common.installation.settings_checks.check_settings",
    "files": "apps.common.installation.settings_checks.check_files",
    "database": "apps.common.installation.database_checks.check_database",
    "broker": "apps.common.installation.broker_checks.check_broker",
    "worker": "apps.common.installation.broker_checks.check_worker",
    "email": "apps.common.installation.email_checks.check_email",
    "accounts": "apps.accounts.installation_checks.check_accounts",
    "catalogue": "apps.catalog.installation_checks.check_catalogue",
    "risk catalogue": "apps.risks.installation_checks.check_risk_catalogue",
    "exposure": "apps.exposure.installation_checks.check_exposure_tables",
    "feeds": "apps.feeds.installation_checks.check_sources",
    "credentials": "apps.common.installation.credential_checks.check_credentials",
    "messages": "apps.alerts.installation_checks.check_deliveries",
}

# content of /metrics besides request times: a function of the time per part
# (apps/common/metrics.py)
METRICS = {
    "broker": "apps.common.metrics.broker_gauges",
    "jobs": "apps.common.metrics.job_gauges",
    "feeds": "apps.feeds.metrics.feed_gauges",
    "deliveries": "apps.alerts.metrics.delivery_gauges",
    "tickets": "apps.issues.metrics.ticket_gauges",
    "intake": "apps.intake.metrics.intake_gauges",
    "gate": "apps.gate.metrics.gate_gauges",
}
# whether the OpenAPI document and its page need no sign-in
API_DOCUMENT_OPEN = env.bool("API_DOCUMENT_OPEN", default=False)
# networks that can read /metrics without a token, such as 10.2.0.0/16
try:
    METRICS_NETWORKS = parse_networks(env.str("METRICS_NETWORKS", default=""))
except ValueError as error:
    raise ImproperlyConfigured(f"METRICS_NETWORKS: {error}") from error
# a line in the log for each request that reaches the application
ACCESS_LOG = env.bool("ACCESS_LOG", default=PRODUCTION)

# --- accounts -------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
if TESTING:
    PASSWORD_HASHERS.insert(0, "django.contrib.auth.hashers.MD5PasswordHasher")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = (
    "apps.accounts.adapters.AccountAdapter"  # closes sign-up: administrators add users
)
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
# linking single sign-on asks for the password first
ACCOUNT_REAUTHENTICATION_REQUIRED = True
# emails about accounts come from apps/accounts/events/emails.py
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_RATE_LIMITS = {"manage_email": "5/h/user", "saml": "60/m/ip"}
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if PRODUCTION else "http"
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
# sign-on by OpenID Connect; empty: off
OIDC = sign_on(env, production=PRODUCTION)
SAML = saml_sign_on(env, public_url=PUBLIC_URL, production=PRODUCTION)
GROUP_RULES = group_rules(env)
SOCIALACCOUNT_ADAPTER = "apps.accounts.adapters.SignOnAccountAdapter"
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_LOGIN_ON_GET = False
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
# browsers take http://localhost for secure; the library wants this setting
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
MFA_TOTP_ISSUER = "Foundation Registry"
MFA_ADAPTER = "apps.accounts.sign_in.second_factors.MFAAdapter"
# email addresses are confirmed by invitation and by apps/accounts/sign_in/email_change.py, and not
# in the library's own list
MFA_ALLOW_UNVERIFIED_EMAIL = True
# organisation roles whose users must have two-factor authentication, or "all"
MFA_REQUIRED_FOR = env.list("MFA_REQUIRED_FOR", default=[])
if unknown_roles := set(MFA_REQUIRED_FOR) - {"governance", "auditor", "admin", "all"}:
    raise ImproperlyConfigured(
        f"MFA_REQUIRED_FOR must name governance, auditor, admin or all, not {min(unknown_roles)}."
    )
try:
    # the day from which users must set it up; until then they are only asked to
    MFA_REQUIRED_FROM = (
        date.fromisoformat(day) if (day := env.str("MFA_REQUIRED_FROM", default="")) else None
    )
except ValueError as error:
    raise ImproperlyConfigured("MFA_REQUIRED_FROM must be a date such as 2027-01-31.") from error

# --- REST -----------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.api_tokens.authentication.ApiTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["apps.accounts.api_tokens.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["apps.api.framework.filter_backend.RegistryFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apps.api.framework.problems.problem_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    # apps/api names its throttle classes; the rates stand here, one per scope
    "DEFAULT_THROTTLE_RATES": {
        "token": env.str("THROTTLE_TOKEN", default="1200/min"),
        "intake": env.str("THROTTLE_INTAKE", default="120/min"),
        # a collector passes on what many applications send, some hundred spans a request
        "calls": env.str("THROTTLE_CALLS", default="30000/min"),
        "anonymous": env.str("THROTTLE_ANONYMOUS", default="60/min"),
    },
    "NUM_PROXIES": TRUSTED_PROXIES,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Foundation Registry",
    "DESCRIPTION": "Foundation models that applications depend on, the risks they inherit, and the "
    "effects of retirements, failures and price changes.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "LICENSE": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
    "SERVERS": [{"url": PUBLIC_URL, "description": "This registry"}],
    "TAGS": [{"name": name, "description": description} for name, description in TAGS.items()],
    "SERVE_INCLUDE_SCHEMA": False,
    # operations, and with them the functions of generated clients, are called by the resource
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    # names that several resources share, and names that a generator would also give to a property
    "ENUM_NAME_OVERRIDES": {
        "AdaptationKindEnum": "apps.inventory.models.Adaptation.Kind",
        "AiActClassEnum": "apps.inventory.models.Application.AiActClass",
        "AlertKindEnum": "apps.alerts.models.KINDS.items",
        "LifecycleEnum": "apps.catalog.models.Lifecycle",
        "RoleOfChannelEnum": "apps.alerts.models.Webhook.Role",
        "AlertStateEnum": "apps.alerts.models.Alert.State",
        "AliasKindEnum": "apps.catalog.models.Alias.Kind",
        "AnnexItemEnum": "apps.inventory.models.AnnexItem.Item",
        "AnnexStatusEnum": "apps.inventory.models.AnnexItem.Status",
        "ApplicationStatusEnum": "apps.inventory.models.Application.Status",
        "AssessmentStateEnum": "apps.risks.models.Assessment.State",
        "BasisEnum": "apps.exposure.models.Basis",
        "CapaGapEnum": "apps.risks.evaluations.comparison.CapaGap",
        "ChannelServiceEnum": "apps.api.alerts.channels.SERVICE_CHOICES",
        "CampaignStateEnum": "apps.exposure.models.Campaign.State",
        "CampaignTaskStateEnum": "apps.exposure.models.CampaignTask.State",
        "CauseKindEnum": "apps.issues.models.CauseKind",
        "AccountDeploymentKindEnum": "apps.intake.models.AccountDeployment.Kind",
        "CloudAccountKindEnum": "apps.intake.models.CloudAccount.Kind",
        "CloudAccountLinkRuleEnum": "apps.intake.models.CloudAccount.LinkRule",
        "CriticalityEnum": "apps.inventory.models.applications.CRITICALITY_WORDS",
        "DataClassEnum": "apps.inventory.models.Application.DataClass",
        "DeliveryStateEnum": "apps.alerts.models.Delivery.State",
        "DerivationKindEnum": "apps.catalog.models.Derivation.Kind",
        "EventRateKindEnum": "apps.exposure.models.EventRate.Kind",
        "EvidenceKindEnum": "apps.risks.models.Evidence.Kind",
        "EvidenceStateEnum": "apps.risks.models.Evidence.State",
        "ExposurePredicateEnum": "apps.exposure.models.Predicate",
        "ExposureThreatEnum": "apps.exposure.models.policies.THREAT_CHOICES",
        "FeedRunStatusEnum": "apps.feeds.models.FeedRun.Status",
        "FitResultEnum": "apps.api.inventory.fit.FIT_RESULTS",
        "FitItemResultEnum": "apps.api.inventory.fit.ITEM_RESULTS",
        "ChoiceBreakEnum": "apps.api.inventory.fit.BREAK_KINDS",
        "FlagStateEnum": "apps.exposure.models.ExposureFlag.State",
        "GateBaselineEnum": "apps.gate.models.GateRun.Baseline",
        "GateDecisionEnum": "apps.gate.rules.definitions.Decision",
        "GateLevelEnum": "apps.gate.rules.definitions.Level",
        "GateMatchEnum": "apps.gate.rules.definitions.MATCHING_CHOICES",
        "GateModeEnum": "apps.gate.models.GateRun.Mode",
        "GateRuleEnum": "apps.gate.rules.definitions.Rule",
        "GateRunStateEnum": "apps.gate.models.GateRun.State",
        "GateStandingLevelEnum": "apps.gate.rules.definitions.FINDING_LEVELS",
        "ApprovalDecisionEnum": "apps.inventory.models.Approval.Decision",
        "OfferingKindEnum": "apps.catalog.models.OfferingKind",
        "WaiverStateEnum": "apps.gate.models.Waiver.State",
        "IncidentEndEnum": "apps.catalog.models.IncidentEnd",
        "StatusImpactEnum": "apps.catalog.models.IncidentImpact",
        # as in apps/api/intake
        "ImportStatusEnum": [
            "queued",
            "done",
            "partial",
            "failed",
            "needs_application",
            "to_confirm",
            "undone",
            "dropped",
        ],
        "FeedAddressKindEnum": "apps.alerts.models.CalendarFeed.Kind",
        "OrganisationRoleEnum": "apps.accounts.roles.OrganisationRole",
        "PersonStateEnum": "apps.accounts.models.PersonState",
        "ProgramRoleEnum": ["viewer", "editor"],
        "TeamRoleEnum": "apps.accounts.roles.TEAM_ROLE_WORDS",
        "RoleEnum": "apps.inventory.models.Dependency.Role",
        "ImportKindEnum": "apps.intake.models.Import.Kind",
        "InheritedStateEnum": "apps.risks.queries.conditions.STATES",
        "IssueActivityKindEnum": "apps.issues.models.Activity.Kind",
        "IssueStateEnum": "apps.issues.models.Issue.State",
        "TicketSystemEnum": "apps.issues.models.TicketConnection.Kind",
        "ConnectionTestStatusEnum": "apps.issues.models.TicketConnection.Status",
        "TicketSyncStateEnum": "apps.issues.models.Ticket.State",
        "ProgressOfTicketEnum": "apps.issues.models.TicketProgress",
        "TicketActivityKindEnum": "apps.issues.models.TicketEvent.Kind",
        "IssueUrgencyEnum": "apps.issues.models.Urgency",
        "JobStateEnum": "apps.api.models.Job.State",
        "LayerEnum": "apps.exposure.models.Layer",
        "NodeKindEnum": "apps.risks.filters.NODE_KINDS",
        "DeliveryOutcomeEnum": "apps.alerts.filters.NoticeFilter.STATES",
        "NoticeOutcomeEnum": "apps.feeds.models.ProviderNotice.Outcome",
        "OnFileEnum": "apps.inventory.models.OnFile",
        "OutageImpactEnum": "apps.exposure.models.settings.OUTAGE_IMPACTS",
        "RiskConfidenceEnum": "apps.risks.models.Confidence",
        "RiskLayerEnum": "apps.risks.models.Layer",
        "RiskRuleEnum": "apps.risks.models.RuleName",
        "RunStateEnum": "apps.exposure.models.RunState",
        "SelectionStateEnum": "apps.inventory.models.Selection.State",
        "StandingStateEnum": "apps.exposure.models.StandingState",
        "OpenWeightStateEnum": "apps.exposure.queries.open_weights.OpenWeightState",
        "StatedValueKindEnum": "apps.catalog.claims.stated_values.KINDS.items",
        "KeptScopeEnum": "apps.catalog.models.NoticePolicy.Scope",
        "TaxonomyMappingPredicateEnum": "apps.risks.models.TemplateMapping.Match",
        "MeasureEnum": "apps.exposure.models.Policy.Measure",
        "DifferenceMethodEnum": "apps.risks.evaluations.comparison.DifferenceMethod",
        "OverlapMeasureEnum": "apps.risks.evaluations.comparison.OverlapMeasure",
        "OverlapGapEnum": "apps.risks.evaluations.comparison.OverlapGap",
    },
}

# --- mail -----------------------------------------------------------------------------------------
EMAIL_URL = required(
    "EMAIL_URL", otherwise="memorymail://" if TESTING else f"filemail://{REGISTRY_DATA / 'mail'}"
)
try:
    # pages rarely send email, such as that of a forgotten password
    MAILERS = {
        "default": mailer(EMAIL_URL, timeout_seconds=5 if process_kind() is ProcessKind.WEB else 20)
    }
except BadAddress as error:
    raise ImproperlyConfigured(str(error)) from error
DEFAULT_FROM_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL", default="Foundation Registry <registry@localhost>"
)
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# mails a second, for the whole installation; 0 is as fast as the server takes them
# the addresses of services that channels of alerts call; tests replace them
SLACK_API_URL = "https://slack.com/api/"
SLACK_RESPONSE_URL = "https://hooks.slack.com/"
PAGERDUTY_EVENTS_URLS = {
    "us": "https://events.pagerduty.com/v2/enqueue",
    "eu": "https://events.eu.pagerduty.com/v2/enqueue",
}
MAIL_PER_SECOND = env.float("MAIL_PER_SECOND", default=20.0)
# name of the organisation below every email; empty: no such line
ORGANISATION_NAME = env.str("ORGANISATION_NAME", default="")
# IMAP folder to which provider notices are forwarded; parsed here so that its password is in no
# setting's text
try:
    NOTICE_MAILBOX = parse_mailbox_url(env.str("NOTICE_MAILBOX_URL", default=""))
except ValueError as error:
    raise ImproperlyConfigured(str(error)) from None
# how long alerts wait for further ones, so that one poll with many changes makes one mail a team
ALERT_GATHER_SECONDS = env.int("ALERT_GATHER_SECONDS", default=60)

# --- files and language ---------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = REGISTRY_DATA / "static"
if not PRODUCTION:
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # empty here, but searched anyway
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.AppDirectoriesFinder"]
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": REGISTRY_DATA / "files"},
    },
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
# only production needs collectstatic
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = False
# English only, whatever a browser asks for; numbers and days follow the formats that Django keeps
# for the language
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
# before Django's own handlers, which store long uploads in files without a limit
FILE_UPLOAD_HANDLERS = [
    "apps.common.requests.upload_limit.UploadLimitHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
DATA_UPLOAD_MAX_MEMORY_SIZE = (
    32 * 1024 * 1024
)  # intake bodies; decompressed size is capped by the intake itself

# --- outbound calls -------------------------------------------------------------------------------
# networks the operator allows beside the public internet, for sources inside the house:
# "10.2.0.0/16,fd00::/8"
OUTBOUND_ALLOWED_NETWORKS = env.list("OUTBOUND_ALLOWED_NETWORKS", default=[])
try:
    parse_networks(",".join(OUTBOUND_ALLOWED_NETWORKS))
    # the one proxy of outbound calls, parsed here so that its password is in no setting's text
    OUTBOUND_PROXY = parse_proxy(
        env.str("OUTBOUND_PROXY", default=""), env.str("OUTBOUND_NO_PROXY", default="")
    )
except ValueError as error:
    raise ImproperlyConfigured(str(error)) from None

# addresses of clouds other than the public ones: "azure=https://management.chinacloudapi.cn"
try:
    CLOUD_ADDRESSES = parse_addresses(env.list("CLOUD_ADDRESSES", default=[]))
except ValueError as error:
    raise ImproperlyConfigured(str(error)) from None

# --- security -------------------------------------------------------------------------------------
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "connect-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "form-action": [CSP.SELF, *OIDC.get("form_origins", []), *SAML.get("form_origins", [])],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# sessions end after so many hours without a request, and after so many days whatever is done in
# them
SESSION_IDLE_HOURS = env.int("SESSION_IDLE_HOURS", default=12)
SESSION_MAX_DAYS = env.int("SESSION_MAX_DAYS", default=7)
if not (1 <= SESSION_IDLE_HOURS <= 168 and 1 <= SESSION_MAX_DAYS <= 30):
    raise ImproperlyConfigured(
        "SESSION_IDLE_HOURS must be between 1 and 168, SESSION_MAX_DAYS between 1 and 30."
    )
SESSION_COOKIE_AGE = SESSION_MAX_DAYS * 24 * 3600
# browsers take such a name only with Secure, for the whole host and from the host itself
_cookie_prefix = "__Host-" if PRODUCTION else ""
SESSION_COOKIE_NAME = f"{_cookie_prefix}sessionid"
CSRF_COOKIE_NAME = f"{_cookie_prefix}csrftoken"
MESSAGE_STORAGE = "registry.messages.HostMessages"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=PRODUCTION)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000 if PRODUCTION else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=PRODUCTION)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=PRODUCTION)
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- logging --------------------------------------------------------------------------------------
configure_structlog()
LOG_LEVEL = env.str("LOG_LEVEL", default="WARNING" if TESTING else "INFO")
LOGGING = logging_config(
    json_lines=env.bool("LOG_JSON", default=PRODUCTION), level=LOG_LEVEL, colors=sys.stderr.isatty()
)
