"""What is said when a page cannot be shown."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseServerError

from pipeline.desk.answers import refused


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refused(request, "没有找到：可能已并入别的事项，或不归您办理。", 404)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refused(request, "没有这项权限。", 403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return refused(request, "页面打开太久或登录已过期，请刷新后再提交一次。", 403)


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Plain: a host that is not known, or a form that is too large, comes here before anybody is known."""
    return HttpResponseBadRequest(
        "<!doctype html><meta charset=utf-8><title>没有收下</title><p>没有收下：提交的内容太多，或访问用的域名没有登记。请返回减少内容再试，或通知运维。"
    )


def broken(request: HttpRequest) -> HttpResponse:
    """Plain: whatever broke may break a template too."""
    return HttpResponseServerError(
        "<!doctype html><meta charset=utf-8><title>出错了</title><p>出错了，没有存上。请稍后再试，或通知运维查看日志。"
    )
