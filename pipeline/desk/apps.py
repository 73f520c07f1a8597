"""The Django application."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "pipeline.desk"
    label = "desk"
    verbose_name = "分拣台"
    default_auto_field = "django.db.models.BigAutoField"
