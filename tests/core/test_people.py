"""What is asked of a user of any model."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.base_user import AbstractBaseUser

from agentos.access.models import User
from agentos.core import people


def bare(**fields: Any) -> Any:
    """A user of a model with no more than Django's sign-in needs."""
    known = {"get_username": lambda: "ada7", "get_email_field_name": AbstractBaseUser.get_email_field_name}
    return SimpleNamespace(**known | fields)


class TestAUser:
    def test_of_a_bare_model_is_called_as_they_sign_in(self) -> None:
        assert (people.name_of(bare()), people.short_name_of(bare()), people.address_of(bare())) == ("ada7", "ada7", "")

    def test_is_called_by_their_name(self) -> None:
        user = bare(get_full_name=lambda: "Ada Low", get_short_name=lambda: "Ada", email="ada@example.com")
        assert (people.name_of(user), people.short_name_of(user), people.address_of(user)) == ("Ada Low", "Ada", "ada@example.com")

    @pytest.mark.parametrize("nothing", ["", None])
    def test_whose_name_is_empty_is_called_as_they_sign_in(self, nothing: Any) -> None:
        user = bare(get_full_name=lambda: nothing, get_short_name=lambda: nothing, email=nothing)
        assert (people.name_of(user), people.short_name_of(user), people.address_of(user)) == ("ada7", "ada7", "")

    def test_is_an_operator_when_the_model_says_so(self) -> None:
        assert [people.is_operator(user) for user in (bare(), bare(is_staff=False), bare(is_staff=True))] == [False, False, True]


class TestTheColumns:
    def test_of_ours_hold_one_address_in_its_one_form(self) -> None:
        assert people.columns(address=" Ada@Example.COM", name="Ada") == {"email": "ada@example.com", "name": "Ada"}
        assert people.columns() == {}
        assert people.searched("by__") == ("by__email", "by__name")

    def test_of_a_model_with_a_user_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Other:
            USERNAME_FIELD = "sign_outs"  # stands for any column with another name
            objects = User.objects
            _meta = User._meta
            get_email_field_name = User.get_email_field_name

        monkeypatch.setattr(people, "get_user_model", lambda: Other)
        assert people.columns(address="ada@example.com") == {"sign_outs": "ada@example.com", "email": "ada@example.com"}
        assert people.searched() == ("sign_outs", "email", "name")
