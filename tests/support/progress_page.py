"""The progress page, and what becomes of it when a start fails, in words of who looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    import re

    from playwright.sync_api import Locator, Page

CANCELLED = "Cancelled. Nothing is running."
WAYS_ON = ("Try again", "Change choice")


@dataclass(frozen=True, slots=True)
class ProgressPage:
    """The progress page that somebody has open."""

    page: Page

    @property
    def log(self) -> Locator:
        """The details, newest first."""
        return self.page.locator("#sandlot-log")

    def step(self, name: str) -> Locator:
        """Return the line of a step."""
        return self.page.locator(f"[data-step={name}]")

    def is_at(self, name: str, words: str | re.Pattern[str]) -> None:
        """Expect a step to be the present one, with these words in it; those before are done."""
        expect(self.step(name)).to_have_attribute("data-state", "now")
        expect(self.step(name)).to_contain_text(words)
        for before in self.page.locator(f"[data-step]:has(~ [data-step={name}])").all():
            expect(before).to_have_attribute("data-state", "done")

    def has_done(self, name: str, words: str | re.Pattern[str]) -> None:
        """Expect a step to be behind, with these words in it."""
        expect(self.step(name)).to_have_attribute("data-state", "done")
        expect(self.step(name)).to_contain_text(words)

    def has_failed(self, name: str, *, code: str, words: str | re.Pattern[str]) -> None:
        """Expect a step to have failed: the sentence, what next, the code, and both ways on."""
        expect(self.page.get_by_role("heading", name="Did not start:")).to_be_visible()
        failed = self.step(name)
        expect(failed).to_have_attribute("data-state", "failed")
        expect(failed.get_by_role("alert")).to_contain_text(words)
        expect(failed).to_contain_text("Next: ")
        expect(failed.locator("small")).to_have_text(f"Code: {code}")
        for way in WAYS_ON:
            expect(self.page.get_by_role("link", name=way)).to_be_visible()

    def leads_to(self, user: str) -> None:
        """Expect to be led to somebody's server, which runs."""
        self.page.wait_for_url(f"**/user/{user}/**")

    def chose_again(self, image: str, size: str) -> None:
        """Expect to be back on the spawn page, with this choice."""
        expect(self.page.get_by_role("button", name="Start server")).to_be_visible()
        for name in (image, size):
            expect(self.page.get_by_role("radio", name=name, exact=True)).to_be_checked()

    def cancel(self) -> None:
        """Cancel the start by the keyboard, and expect to be told so on the spawn page."""
        self.page.get_by_role("button", name="Cancel start").focus()
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/hub/spawn/**")
        expect(self.page.get_by_text(CANCELLED)).to_be_visible()
