"""What a person does at the keyboard, in words of the main road."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, expect

RESULTS = Path(__file__).parents[2] / "test-results"
"""Where pictures are kept."""
LAB_READY_MS = 90_000


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a browser of their own. Only clicks and keys."""

    page: Page
    name: str
    password: str

    def log_in(self, url: str) -> None:
        """Log in by the form; Enter sends it."""
        self.page.goto(url)
        self.page.get_by_label("Username").fill(self.name)
        self.page.get_by_label("Password").fill(self.password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "/hub/login" not in url)

    def profiles(self) -> list[str]:
        """Return the names of the profiles that the form shows."""
        group = self.page.get_by_role("group", name="Profile")
        labels = group.locator("label").all()
        return [label.inner_text().splitlines()[0].strip() for label in labels]

    def choose(self, group: str, label: str) -> None:
        """Choose an entry of a part of the form by its label."""
        fieldset = self.page.get_by_role("group", name=group)
        # The label covers the whole entry, so that all of it can be clicked.
        fieldset.locator("label").filter(has_text=re.compile(rf"^{re.escape(label)}$")).click()
        expect(fieldset.get_by_role("radio", name=label, exact=True)).to_be_checked()

    def start(self) -> None:
        """Press *Start server* and follow the progress page until the Lab can be used."""
        self.page.get_by_role("button", name="Start server").click()
        self.lab_is_ready()

    def lab_is_ready(self) -> None:
        """Wait until the launcher can be clicked."""
        expect(self.page.locator(".jp-Launcher")).to_be_visible(timeout=LAB_READY_MS)
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0)

    def open_notebook(self) -> None:
        """Open a notebook from the launcher and wait for its kernel."""
        self.page.locator(".jp-LauncherCard", has_text="Python 3").first.click()
        self.kernel_is_idle()

    def kernel_is_idle(self) -> None:
        """Wait until the notebook's kernel takes what is run.

        The circle beside its name looks idle before there is a connection, and what is run then
        is dropped; the status bar tells the two apart.
        """
        bar = self.page.locator("#jp-main-statusbar")
        expect(bar).to_contain_text(re.compile(r"\| Idle"), timeout=LAB_READY_MS)

    def run_cell(self, code: str) -> str:
        """Type `code` into the selected cell, press Shift+Enter, and return what it printed."""
        cell = self.page.locator(".jp-Notebook .jp-CodeCell").last
        cell.locator(".cm-content").click()
        self.page.keyboard.insert_text(code)
        position = self.page.locator(".jp-Notebook .jp-CodeCell").count() - 1
        self.page.keyboard.press("Shift+Enter")
        ran = self.page.locator(".jp-Notebook .jp-CodeCell").nth(position)
        # The prompt shows a star while it runs, then its number.
        expect(ran.locator(".jp-InputPrompt")).to_have_text(
            re.compile(r"\[\d+\]"), timeout=LAB_READY_MS
        )
        return ran.locator(".jp-OutputArea-output").all_inner_texts()[0].strip()

    def status(self) -> str:
        """Return what the status item says."""
        item = self.page.locator("#jp-main-statusbar").get_by_role("button", name=re.compile("·"))
        expect(item).to_be_visible()
        return item.inner_text()

    def session_details(self) -> str:
        """Open the popup of the status item, return its text, and close it with Escape."""
        self.page.locator("#jp-main-statusbar").get_by_role("button", name=re.compile("·")).click()
        popup = self.page.locator(".jp-StatusBar-HoverItem, .sandlot-popup").last
        expect(popup).to_be_visible()
        text = popup.inner_text()
        self.page.keyboard.press("Escape")
        expect(popup).to_be_hidden()
        return text

    def picture(self, file: str) -> None:
        """Keep what is on the screen now, as a file of this name."""
        RESULTS.mkdir(exist_ok=True)
        self.page.screenshot(path=RESULTS / file)
