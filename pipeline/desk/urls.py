"""Every address of the desk. Each page's module lists its own."""

from django.urls import register_converter

from pipeline.desk.keys import Key

register_converter(Key, "key")

from pipeline.desk.views import admin, audit, emerging, figures, letter, login, matter, model, queue  # noqa: E402  (after the converter)

urlpatterns = [
    *queue.urlpatterns,
    *letter.urlpatterns,
    *matter.urlpatterns,
    *emerging.urlpatterns,
    *figures.urlpatterns,
    *model.urlpatterns,
    *audit.urlpatterns,
    *admin.urlpatterns,
    *login.urlpatterns,
]
handler400 = "pipeline.desk.views.errors.unreadable"
handler404 = "pipeline.desk.views.errors.missing"
handler403 = "pipeline.desk.views.errors.forbidden"
handler500 = "pipeline.desk.views.errors.broken"
