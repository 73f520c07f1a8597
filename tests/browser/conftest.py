"""The desk in a real browser: a real server process on a queue of invented letters, Debian's Chromium, each page watched for faults."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.desk.conftest import PASSWORD, TODAY

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass
class Site:
    """A running desk."""

    url: str
    database: Path
    password: str = PASSWORD


@dataclass
class Watched:
    """A page and what went wrong on it."""

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)

    def go(self, path: str = "/") -> Page:
        self.page.goto(self.url + path, wait_until="networkidle")
        return self.page

    def login(self, who: str) -> Page:
        page = self.go("/login/")
        page.fill("[name=username]", who)
        page.fill("[name=password]", PASSWORD)
        with page.expect_navigation(wait_until="networkidle"):
            page.keyboard.press("Enter")
        return page


@pytest.fixture(scope="session")
def site(empty_queue: Path, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for all browser tests; each works on matters of its own."""
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing: .ci/run installs it (apt-get install chromium)")
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium fonts-noto-cjk)")
    database = tmp_path_factory.mktemp("site") / "desk.db"
    shutil.copyfile(empty_queue, database)
    subprocess.run([sys.executable, "-m", "tests.browser.site"], cwd=ROOT, env=environment(database), check=True)
    with served(database) as url:
        yield Site(url, database)


def environment(database: Path, today: date = TODAY) -> dict[str, str]:
    """What a process on this queue and this day is started with; no setting of the person who runs it."""
    return {key: value for key, value in os.environ.items() if not key.startswith("ZHIWEI_")} | {
        "ZHIWEI_QUEUE": f"sqlite:///{database}", "ZHIWEI_TODAY": today.isoformat(), "ZHIWEI_SECRET_KEY": "for browser tests only",
    }  # fmt: skip


@contextmanager
def served(database: Path, today: date = TODAY) -> Iterator[str]:
    """A server of its own process on this queue; gives its address."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "pipeline.desk.wsgi:application", "--bind", f"127.0.0.1:{port}", "--threads", "4"]
    server = subprocess.Popen([*command, "--log-level", "warning"], cwd=ROOT, env=environment(database, today))
    try:
        _wait(f"http://127.0.0.1:{port}/login/", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert server.poll() is None, "the server has stopped"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


@pytest.fixture(scope="module")
def browser(site: Site) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def open_browser(browser: Browser, site: Site, request: pytest.FixtureRequest) -> Iterator[Callable[..., Watched]]:
    """Opens browsers of their own (no shared cookies). At the end none may have shown a console error or asked another host for anything."""
    opened: list[tuple[BrowserContext, Watched]] = []

    def make(width: int = 1366, height: int = 768) -> Watched:
        context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN", accept_downloads=True)
        context.set_default_timeout(10_000)
        watched = Watched(context.new_page(), site.url)
        page, faults = watched.page, watched.faults
        page.on("console", lambda message: faults.append(f"console: {message.text}") if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith((site.url, "data:", "blob:")) else faults.append(f"other host: {asked.url}"),
        )
        opened.append((context, watched))
        return watched

    yield make
    faults = [fault for _, watched in opened for fault in watched.faults]
    for context, _ in opened:
        context.close()
    assert faults == []
