"""Accounts of one machine: every account has its own password, made by ``sandlot user add``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hashauthenticator import HashAuthenticator
from tornado import web
from traitlets import TraitError, default
from typing_extensions import override

from sandlot_hub.adapters.passwords import SECRET_MINIMUM, account_password, is_password
from sandlot_hub.domain.values.user_names import NAME_MAXIMUM, check_user_name, normalise_user_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyterhub.handlers import BaseHandler


class AccountsAuthenticator(HashAuthenticator):
    """Lets in whoever has an account and knows its password.

    Accounts are made by ``sandlot user add``, which prints the password; a name that
    has no account is refused like a wrong password is. There is no password that
    opens two accounts, and none that an administrator could set for all.
    """

    # Fixed: the `sandlot` command computes the same passwords without reading this
    # configuration, and a page that lists all passwords is nothing to switch on.
    password_length = None
    show_logins = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if len(self.secret_key) < SECRET_MINIMUM:
            message = (
                "c.AccountsAuthenticator.secret_key must be a secret of at least "
                f"{SECRET_MINIMUM} characters: the passwords of all accounts are made from it. "
                "`sandlot up` sets it; elsewhere generate one with `openssl rand -hex 32` and "
                "keep it in a file that only the hub can read."
            )
            raise TraitError(message)

    @default("allow_existing_users")
    def _allow_existing_users_default(self) -> bool:
        """Having an account is what it takes."""
        return True

    @override
    def get_password(self, username: str) -> str:
        """Return the password of an account."""
        return account_password(username, self.secret_key)

    @override
    def normalize_username(self, username: str) -> str:
        """Return the one spelling of a name, see `domain.user_names`."""
        return normalise_user_name(super().normalize_username(username))

    @override
    def validate_username(self, username: str) -> bool:
        """Return whether an account can have this name; asked when one is made, too."""
        return check_user_name(username) is None and super().validate_username(username)

    @override
    async def authenticate(self, handler: BaseHandler, data: Mapping[str, Any]) -> str | None:
        """Return the account's name; None for everything that is not an account's password.

        The form comes from anybody. Nothing of it is logged here, and a name that no
        account can have costs no more than looking at it.

        Raises
        ------
        tornado.web.HTTPError
            400 if the form has no name or no password at all.
        """
        typed, candidate = data.get("username"), data.get("password")
        if not isinstance(typed, str) or not isinstance(candidate, str):
            raise web.HTTPError(400, "Write a user name and a password.")
        if len(typed) > NAME_MAXIMUM:
            return None
        name = self.normalize_username(typed)
        if check_user_name(name) is not None:
            return None
        # In a thread, because it takes some 10 ms and the hub has one loop for everybody;
        # for unknown names too, so that the time does not tell who has an account.
        password = await asyncio.to_thread(self.get_password, name)
        if not is_password(candidate, password) or handler.find_user(name) is None:
            return None
        return name
