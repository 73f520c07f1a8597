"""Coming in, going out, one's own password. The only pages before the door."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import path, reverse

from pipeline.desk.models import User
from pipeline.desk.roles import Ability
from pipeline.desk.services.people import PersonError, check_password, password_changed

FIRST_PAGES = (("queue", Ability.READ), ("audit", Ability.AUDIT), ("people", Ability.ADMIN))


def home(user: User) -> str:
    """The address of the page on which a person's day begins: not everybody may see the queue."""
    return reverse(next((name for name, ability in FIRST_PAGES if user.can(ability)), "password"))


class LoginForm(AuthenticationForm):
    """The same sentence whether the name is unknown, the password wrong or the account out of use."""

    error_messages = {"invalid_login": "用户名或密码不对。", "inactive": "用户名或密码不对。"}


class Login(LoginView):
    """Asks for user name and password. `next` is followed inside this desk only."""

    template_name = "desk/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True
    http_method_names = ["get", "head", "post"]

    def get_success_url(self) -> str:
        asked = self.get_redirect_url()
        assert isinstance(self.request.user, User)
        return home(self.request.user) if asked in ("", reverse("queue")) else asked


class Logout(LogoutView):
    """Ends the session."""

    http_method_names = ["post"]


class PasswordForm(PasswordChangeForm):
    """The old password and twice the new one; what is wrong with the new one is told in Chinese."""

    def validate_password_for_user(self, user: Any, password_field_name: str = "new_password2") -> None:
        password = self.cleaned_data.get(password_field_name)
        if password and password == self.cleaned_data.get("old_password"):
            self.add_error(password_field_name, "新密码不能和现在的密码相同。")
        elif password:
            try:
                check_password(password, user)
            except PersonError as exc:
                self.add_error(password_field_name, str(exc))


class PasswordPage(PasswordChangeView):
    """One's own password; a first, given one must be changed here before anything else."""

    template_name = "desk/password.html"
    form_class = PasswordForm
    http_method_names = ["get", "head", "post"]

    def form_valid(self, form: Any) -> HttpResponse:
        super().form_valid(form)
        assert isinstance(self.request.user, User)
        password_changed(self.request.user)
        messages.success(self.request, "密码已修改。")
        return redirect(home(self.request.user))

    def get_success_url(self) -> str:
        return reverse("password")


def to_home(request: HttpRequest) -> HttpResponse:
    """To the person's own first page; for the links of pages that say no."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET"])
    return redirect(home(request.user)) if isinstance(request.user, User) else redirect("login")


urlpatterns = [
    path("login/", Login.as_view(), name="login"),
    path("logout/", Logout.as_view(), name="logout"),
    path("password/", PasswordPage.as_view(), name="password"),
    path("home/", to_home, name="home"),
]
