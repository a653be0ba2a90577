"""Django's templates, which let go of what they have drawn."""

from typing import Any

from django.http import HttpRequest
from django.template import TemplateDoesNotExist
from django.template.backends import django
from django.template.context import make_context
from django.utils.safestring import SafeString


class Template(django.Template):
    """A context holds the values that it was made with, and these hold it: a circle with all that a page was drawn from in it, which
    the garbage collector would have to find; and for that every answer that flows has to wait."""

    def render(self, context: dict[str, Any] | None = None, request: HttpRequest | None = None) -> SafeString:
        made = make_context(context, request, autoescape=self.backend.engine.autoescape)
        try:
            return self.template.render(made)
        except TemplateDoesNotExist as missing:
            django.reraise(missing, self.backend)
            raise
        finally:
            made.dicts.clear()


class Templates(django.DjangoTemplates):
    def get_template(self, template_name: str) -> Template:
        return Template(super().get_template(template_name).template, self)
