"""What an administrator decides about the availability page."""

from __future__ import annotations

from .base import SettingsModel, Text


class ShowUsersSettings(SettingsModel):
    """Who sees which users have the accelerators. Administrators always do."""

    everybody: bool = False
    """Whether everybody sees it who can log in."""
    groups: tuple[Text, ...] = ()
    """Members of any of these groups see it."""
    users: tuple[Text, ...] = ()
    """These users see it; names as the hub writes them."""


class AvailabilitySettings(SettingsModel):
    """The page that shows which accelerators are free."""

    show_users: ShowUsersSettings = ShowUsersSettings()
    """Who sees which users have the accelerators. Without it, nobody but administrators. Only
    users of this hub are ever named; what else runs in the cluster stays nameless."""
