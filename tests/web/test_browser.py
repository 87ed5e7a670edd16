"""The page in a real Chromium: `make browser`."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.batches import shoot

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
MOST_MS = 120_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def served(folder: Path, out: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [
        sys.executable,
        "-m",
        "deepfuse.cli",
        "web",
        str(folder),
        "-o",
        str(out),
        "--format",
        "png",
        "--no-browser",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    address = process.stdout.readline().strip()
    try:
        yield process, address
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three brackets, one of which is cut short."""
    for seed, scene in enumerate(("barn", "cave", "dune")):
        shoot(tmp_path / "card" / scene, seed)
    cut = tmp_path / "card" / "dune" / "1.png"
    cut.write_bytes(cut.read_bytes()[:4000])
    return tmp_path / "card"


def opened(browser: Browser, address: str) -> Page:
    page = browser.new_page()
    page.set_default_timeout(MOST_MS)
    page.errors = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.errors.append(str(error)))  # type: ignore[attr-defined]
    page.goto(address)
    page.wait_for_selector("article.set")
    return page


def picture(page: Page) -> str:
    """What lies under the slider, when it has come."""
    image = page.locator("img.under")
    page.wait_for_function("() => document.querySelector('img.under')?.naturalWidth > 0")
    return image.get_attribute("src") or ""


def test_from_opening_to_the_last_saved_picture(browser: Browser, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with served(folder, out) as (_, address):
        page = opened(browser, address)
        assert "token" not in page.url
        page.get_by_role("link", name="barn").click()
        before = picture(page)
        split = page.get_by_label("where the two pictures meet")
        split.press("ArrowLeft")
        assert float(split.input_value()) == 49.5
        page.get_by_label("Saturation").fill("0.5")
        page.wait_for_function("before => document.querySelector('img.under').src !== before", arg=before)
        page.get_by_role("button", name="Save").click()
        page.get_by_text("saved as barn.png").wait_for()
        assert (out / "barn.png").is_file()
        page.get_by_role("link", name="Sets", exact=True).click()
        page.get_by_role("button", name="Make all pictures").click()
        page.get_by_role("link", name="Pictures").click()
        page.locator("article.card", has_text="cave.png").wait_for()
        page.locator("article.card.failed").wait_for()
        first = page.locator("article.card").first
        assert "refused" in (first.text_content() or "")  # what needs care comes first
        page.wait_for_function("() => !document.getElementById('said').textContent")  # nothing is still to be made
        assert not page.errors  # type: ignore[attr-defined]
    assert {path.name for path in out.glob("*.png")} == {"barn.png", "cave.png"}


def test_dropped_photos_are_fused_and_frames_are_moved_by_hand(browser: Browser, folder: Path, tmp_path: Path) -> None:
    shot = shoot(tmp_path / "more" / "elm", 7)
    with served(folder, tmp_path / "out") as (_, address):
        page = opened(browser, address)
        page.locator("#files").set_input_files([str(path) for path in shot])
        page.wait_for_url(re.compile("#/set/dropped"))
        picture(page)
        page.get_by_role("link", name="Sets", exact=True).click()
        frames = page.locator("article.set", has=page.get_by_role("link", name="barn")).locator("button.frame")
        for index in (0, 1):
            frames.nth(index).click()
        page.get_by_role("button", name="New set of them").click()
        page.get_by_text(re.compile("moved to 0")).wait_for()
        assert page.locator("article.set", has=page.get_by_role("link", name="barn")).count() == 0
        assert not page.errors  # type: ignore[attr-defined]


def test_two_tabs_see_the_same_and_a_killed_server_goes_on(browser: Browser, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with served(folder, out) as (process, address):
        one, two = opened(browser, address), opened(browser, address)
        two.get_by_role("link", name="Pictures").click()
        one.get_by_role("button", name="Make all pictures").click()
        two.locator("article.card", has_text="barn.png").wait_for()
        process.kill()
    with served(folder, out) as (_, address):
        page = opened(browser, address)
        page.get_by_role("button", name="Make all pictures").click()
        page.get_by_role("link", name="Pictures").click()
        page.locator("article.card", has_text="cave.png").wait_for()
    assert {path.name for path in out.glob("*.png")} == {"barn.png", "cave.png"}


def test_no_token_no_page(browser: Browser, folder: Path, tmp_path: Path) -> None:
    with served(folder, tmp_path / "out") as (_, address):
        context = browser.new_context()
        page = context.new_page()
        answer = page.goto(address.partition("?")[0])
        assert answer
        assert answer.status == 401
        context.close()
