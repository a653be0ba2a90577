"""A user model that has nothing of ours: no e-mail for a name, no names at all, and no staff."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models


class People(BaseUserManager[Any]):
    def create_user(self, login: str, password: str) -> Any:
        person = self.model(login=login)
        person.set_password(password)
        person.save()
        return person


class Person(AbstractBaseUser, PermissionsMixin):
    login = models.CharField(max_length=150, unique=True)
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "login"

    objects = People()

    def __str__(self) -> str:
        return self.login
