"""Takes the pictures of docs/clerk.md: the sample letters, scored by the model in use, after some weeks of work. python -m tests.browser.pictures"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.browser.conftest import CHROMIUM, ROOT, environment, served
from tests.browser.site import PEOPLE, make_people
from tests.desk.conftest import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from pipeline.desk.models import Matter, User

OUT = ROOT / "docs" / "desk"
TODAY = date(2026, 4, 12)
"""The sample's last day."""
DAYS = (date(2026, 3, 9), date(2026, 3, 16), date(2026, 3, 23), date(2026, 3, 30), date(2026, 4, 6))
"""On these days the office worked."""
MATTER, LETTER = "M-RX202603180053", "RX202604020069"
LEFT = (MATTER, "M-RX202603020057")
"""Nobody has worked on these yet: the one of the picture and that of the letter."""
QUALITY, WIDE, PHONE = 70, (1366, 768), (390, 844)
PICTURES = (
    ("queue", "/", WIDE), ("matter", f"/matter/{MATTER}/", WIDE), ("letter", f"/letter/{LETTER}/", WIDE), ("emerging", "/emerging/", WIDE),
    ("figures", "/figures/", WIDE), ("phone", "/", PHONE),
)  # fmt: skip
"""(name, address, window)"""


ANSWERS = ({"text": "已到现场办妥，当面答复。", "outcome": "settled"}, {"text": "先解决急需的，其余列入计划。", "outcome": "partly"})
SATISFACTIONS = ("good", "fair", "good", "poor")


def work() -> None:
    """What the office did before today, in the queue that the environment names: most matters settled, some accepted, a few left lying."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "pipeline.desk.config"
    django.setup()
    from pipeline.desk.models import Matter, User

    make_people()
    supervisor = User.objects.get(role="supervisor")
    for day in DAYS:
        os.environ["ZHIWEI_TODAY"] = day.isoformat()
        waiting = Matter.objects.filter(status="open", letters__gt=0, first_on__lte=day).exclude(pk__in=LEFT).order_by("-rank", "pk")
        for at, matter in enumerate(waiting):
            if at % 12 != 11:
                _settle(matter, supervisor, at)


def _settle(matter: Matter, by: User, at: int) -> None:
    from pipeline.desk.services.claims import release
    from pipeline.desk.services.steps import edit, take_step

    matter = take_step(matter, by, "accept")
    if at % 3:
        matter = take_step(matter, by, "handle")
        matter = take_step(matter, by, "answer", ANSWERS[at % 2])
        matter = edit(matter, by, {"satisfaction": SATISFACTIONS[at // 3 % 4]})
        matter = take_step(matter, by, "close", {"outcome": matter.outcome})
    release(matter, by)


def take(browser: Browser, url: str) -> None:
    """Every picture, as the clerk sees the page."""
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(f"{url}/login/")
    page.fill("[name=username]", PEOPLE[0][0])
    page.fill("[name=password]", PASSWORD)
    with page.expect_navigation(wait_until="networkidle"):
        page.keyboard.press("Enter")
    for name, address, (width, height) in PICTURES:
        page.set_viewport_size({"width": width, "height": height})
        page.goto(url + address, wait_until="networkidle")
        page.screenshot(path=OUT / f"{name}.jpg", type="jpeg", quality=QUALITY)
    context.close()


def main() -> None:
    """Fill a queue with the sample letters, work on it, serve it, and take the pictures."""
    from playwright.sync_api import sync_playwright

    OUT.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        database, scores = Path(folder, "sample.db"), Path(folder, "sample.csv")
        environ = environment(database, TODAY)
        command = [sys.executable, "predict.py", "data/sample", "--out", str(scores)]
        subprocess.run(command, cwd=ROOT, env=environ, check=False)  # ends with 3: some rows are broken on purpose
        subprocess.run([sys.executable, "-c", "from tests.browser.pictures import work; work()"], cwd=ROOT, env=environ, check=True)
        with served(database, TODAY) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            take(browser, url)
            browser.close()
    print(f"{OUT}: {sum(file.stat().st_size for file in OUT.glob('*.jpg')) // 1024} KB")


if __name__ == "__main__":
    main()
