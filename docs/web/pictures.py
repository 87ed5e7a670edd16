"""`python docs/web/pictures.py data/sample`: the pictures of docs/web.md."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, Playwright, sync_playwright

DOCS = Path(__file__).parent


def main() -> None:
    """Start the page, walk through its views, take a picture of each."""
    with tempfile.TemporaryDirectory() as home:
        card = shutil.copytree(sys.argv[1], Path(home) / "card")
        command = [sys.executable, "-m", "deepfuse.cli", "web", card, "--no-browser"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "HOME": home})
        try:
            assert server.stdout
            with sync_playwright() as playwright:
                _walk(playwright, server.stdout.readline().strip())
        finally:
            server.terminate()
            server.wait()


def _walk(playwright: Playwright, address: str) -> None:
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    page.set_default_timeout(600_000)
    page.goto(address)
    page.wait_for_selector("article.set")
    _take(page, "sets")
    page.locator("article.set h2 a").first.click()
    page.wait_for_function("() => document.querySelector('img.over')?.naturalWidth > 0")
    page.get_by_role("slider", name="Contrast").fill("0.2")
    _take(page, "set")
    page.get_by_role("link", name="Pictures").click()
    page.get_by_role("button", name="Make all pictures").click()
    page.wait_for_function(
        "() => document.querySelectorAll('#work button').length === 0 && document.querySelector('.card')"
    )
    _take(page, "gallery")


def _take(page: Page, name: str) -> None:
    page.wait_for_timeout(6000)
    page.screenshot(path=DOCS / f"{name}.jpg", type="jpeg", quality=50)


if __name__ == "__main__":
    main()
