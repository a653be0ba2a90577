"""The URLs of accounts. Those without a room's name before theirs are names that django-allauth looks for."""

from django.urls import include, path, re_path

from agentos.access.views import sign_out
from agentos.accounts.views import account, entrance, people, providers, security, setting_up

own = [
    path("", account.account, name="account"),
    path("signed-in/<int:session_pk>/end/", account.end_session, name="end-session"),
    path("signed-in/end/", account.end_others, name="end-others"),
    path("delete/", account.delete, name="delete"),
]

operators = [
    path("people/", people.people, name="people"),
    path("people/<int:user_pk>/", people.person, name="person"),
    path("people/<int:user_pk>/do/", people.do, name="do"),
    path("people/invitations/<int:invitation_id>/revoke/", people.revoke, name="revoke-invitation"),
    path("providers/", setting_up.all_of_them, name="providers"),
    path("providers/new/", setting_up.new, name="new-provider"),
    path("providers/<slug:slug>/", setting_up.provider, name="provider"),
    path("providers/<slug:slug>/try/", setting_up.try_it, name="try-provider"),
    path("providers/<slug:slug>/delete/", setting_up.delete, name="delete-provider"),
    path("providers/<slug:slug>/groups/", setting_up.add_group, name="add-group"),
    path("providers/<slug:slug>/groups/<int:group_id>/delete/", setting_up.remove_group, name="remove-group"),
]

settings_urls = [
    path("password/", security.change_password, name="account_change_password"),
    path("password/new/", security.set_password, name="account_set_password"),
    path("addresses/", security.addresses, name="account_email"),
    path("again/", security.again, name="account_reauthenticate"),
    path("again/code/", security.again_by_code, name="mfa_reauthenticate"),
    path("again/passkey/", security.again_by_passkey, name="mfa_reauthenticate_webauthn"),
    path("factors/", security.factors, name="mfa_index"),
    path("factors/app/", security.totp_on, name="mfa_activate_totp"),
    path("factors/app/off/", security.totp_off, name="mfa_deactivate_totp"),
    path("factors/codes/", security.recovery_codes, name="mfa_view_recovery_codes"),
    path("factors/codes/new/", security.new_codes, name="mfa_generate_recovery_codes"),
    path("factors/passkeys/new/", security.new_passkey, name="mfa_add_webauthn"),
    path("factors/passkeys/<int:pk>/remove/", security.remove_passkey, name="mfa_remove_webauthn"),
    path("connected/", providers.connections, name="socialaccount_connections"),
]

urlpatterns = [
    path("agentos/settings/", include(([path("account/", include(own)), *operators], "accounts"))),
    path("agentos/settings/account/", include(settings_urls)),
    path("sign-in/", entrance.sign_in, name="account_login"),
    path("sign-in/factor/", entrance.second_factor, name="mfa_authenticate"),
    path("sign-in/passkey/", entrance.passkey_sign_in, name="mfa_login_webauthn"),
    path("sign-out/", sign_out, name="account_logout"),
    path("sign-up/", entrance.sign_up, name="account_signup"),
    path("sign-up/mail/", entrance.check_mail, name="account_email_verification_sent"),
    re_path(r"^confirm/(?P<key>[-:\w]+)/$", entrance.confirm_email, name="account_confirm_email"),
    path("password/", entrance.reset, name="account_reset_password"),
    path("password/sent/", entrance.reset_sent, name="account_reset_password_done"),
    path("password/done/", entrance.reset_done, name="account_reset_password_from_key_done"),
    re_path(r"^password/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$", entrance.reset_new, name="account_reset_password_from_key"),
    path("sign-up/provider/", providers.sign_up, name="socialaccount_signup"),
    path("openid/<slug:provider_id>/login/", providers.there, name="openid_connect_login"),
    path("openid/<slug:provider_id>/login/callback/", providers.back, name="openid_connect_callback"),
    path("openid/<slug:provider_id>/logout/", providers.logout, name="openid_connect_logout"),
]
