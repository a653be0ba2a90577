"""Settings of django-allauth, which agentos.accounts stands before: what of it is on, and what is ours in its place."""

from agentos.conf import AppSettings
from site_config.env import env
from site_config.mail import EMAIL_HOST

APPS = [
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "agentos.accounts",
]
LOCAL = env("AGENTOS_LOCAL", AppSettings.LOCAL)

ACCOUNT_ADAPTER = "agentos.accounts.adapter_account.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "agentos.accounts.naming.NameForm"
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if EMAIL_HOST else "none"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_MAX_EMAIL_ADDRESSES = 5
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_METHODS = {"password", "mfa"}
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
# Wrong passwords are counted by axes, all else by core.ratelimit (agentos.accounts.views.house): both know all processes, and never sleep.
ACCOUNT_RATE_LIMITS = False
MFA_RATE_LIMITS = False
ACCOUNT_PASSWORD_MIN_LENGTH = 8

MFA_ADAPTER = "agentos.accounts.adapter_mfa.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = LOCAL
MFA_TOTP_TOLERANCE = 1  # a clock that is half a minute wrong

USERSESSIONS_TRACK_ACTIVITY = False  # it writes at every request

SOCIALACCOUNT_ADAPTER = "agentos.accounts.adapter_social.ProviderAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True  # people are known by the provider's key from then on
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5  # seconds
SOCIALACCOUNT_LOGIN_ON_GET = False
