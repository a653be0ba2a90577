"""Signing in and out."""

from typing import Any

from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse

from agentos.access.sign_in import SignInForm
from agentos.conf import app_settings
from agentos.core.http.errors import Problem
from agentos.core.http.request import client_network
from agentos.core.ratelimit import limits


class SignIn(LoginView):
    form_class = SignInForm  # type: ignore[assignment]
    template_name = "access/sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            limits.check("sign-in", client_network(request), limit=app_settings.SIGN_INS_A_MINUTE, seconds=60)
        except Problem as problem:
            return self.refused(SignInForm(request), problem)
        answer: HttpResponse = super().post(request, *args, **kwargs)
        return answer

    def refused(self, form: SignInForm, problem: Problem) -> HttpResponse:
        """Say it on the page. No password was looked at."""
        context = self.get_context_data(form=form, error=problem.sentence)
        return self.render_to_response(context, status=problem.status, headers=problem.headers)

    def form_invalid(self, form: SignInForm) -> HttpResponse:  # type: ignore[override]
        form.begin_at_password()
        context = self.get_context_data(form=form)
        if form.retry_after:
            return self.render_to_response(context, status=429, headers={"Retry-After": str(form.retry_after)})
        return self.render_to_response(context, status=422)


sign_in = SignIn.as_view()
sign_out = LogoutView.as_view()
