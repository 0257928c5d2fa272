"""``sandlot user``: accounts of the running stack."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandlot_contracts.exits import ExitCode
from sandlot_hub.adapters.hub_api import HubAccount, HubApi, HubRefusedError, NewAccount
from sandlot_hub.adapters.hub_client import HubClient, HubUnavailableError
from sandlot_hub.adapters.operator_file import OPERATOR_FILE, OperatorAccess, read_operator
from sandlot_hub.adapters.passwords import account_password
from sandlot_hub.adapters.private_file import PrivateFileError
from sandlot_hub.adapters.supervisor_client import (
    SupervisorClient,
    SupervisorRefusedError,
    SupervisorUnreachableError,
)
from sandlot_hub.domain.values.names import quoted
from sandlot_hub.domain.values.user_names import (
    check_group_name,
    check_user_name,
    normalise_user_name,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_SOCKET = "run/supervisor.sock"
_TIMEOUT_S = 60.0
"""Removing an account waits until its servers have ended."""
_CONFLICT = 409


class _GaveUpError(Exception):
    """The command cannot do what it was asked; the text is for the terminal."""

    def __init__(self, message: str, code: ExitCode) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stack:
    """The running stack, as this command sees it."""

    hub: HubApi
    supervisor: SupervisorClient
    access: OperatorAccess

    def password(self, name: str) -> str:
        return account_password(name, self.access.account_secret)


def command(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Add the arguments of ``sandlot user`` and return what runs."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    add = actions.add_parser("add", help="make an account and print its password")
    add.add_argument("name", metavar="NAME", help="lower-case letters, digits and . _ - @")
    add.add_argument(
        "--group", action="append", default=[], metavar="GROUP", help="a group to be in; repeatable"
    )
    add.add_argument("--admin", action="store_true", help="may see and do everything in the hub")
    add.set_defaults(act=_add)

    show = actions.add_parser("list", help="list the accounts")
    show.add_argument("--json", action="store_true", help="print one JSON list")
    show.set_defaults(act=_list)

    remove = actions.add_parser("remove", help="remove an account; its home folder stays")
    remove.add_argument("name", metavar="NAME")
    remove.add_argument("--yes", action="store_true", help="do not ask")
    remove.set_defaults(act=_remove)

    password = actions.add_parser("password", help="print the password of an account")
    password.add_argument("name", metavar="NAME")
    password.set_defaults(act=_password)
    for action in (add, show, remove, password):
        # After the action too, where people write it; the one before it stays the default.
        action.add_argument(
            "--data-dir", metavar="D", default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )
    return run


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; return the exit code."""
    try:
        asyncio.run(_with_stack(Path(arguments.data_dir), arguments))
    except _GaveUpError as error:
        print(error, file=sys.stderr)
        return error.code
    except (HubRefusedError, SupervisorRefusedError) as error:
        print(f"Refused: {error}", file=sys.stderr)
        return ExitCode.REFUSED
    except HubUnavailableError as error:
        print(f"The hub: {error}. `sandlot status` says how it is.", file=sys.stderr)
        return ExitCode.FAILURE
    except SupervisorUnreachableError as error:
        print(error, file=sys.stderr)
        return ExitCode.FAILURE
    return ExitCode.OK


async def _with_stack(data_dir: Path, arguments: argparse.Namespace) -> None:
    access = _access(data_dir)
    async with HubClient(timeout=_TIMEOUT_S) as client:
        hub = HubApi(client=client, api_url=access.hub_api_url, token=access.token)
        supervisor = SupervisorClient(data_dir / _SOCKET)
        act: Callable[[_Stack, argparse.Namespace], Awaitable[None]] = arguments.act
        await act(_Stack(hub=hub, supervisor=supervisor, access=access), arguments)


def _access(data_dir: Path) -> OperatorAccess:
    try:
        return read_operator(data_dir / OPERATOR_FILE)
    except FileNotFoundError as error:
        message = (
            f"Sandlot does not run on {data_dir}. Start it with `sandlot up`, "
            "or name its data directory with --data-dir."
        )
        raise _GaveUpError(message, ExitCode.NOT_RUNNING) from error
    except PermissionError as error:
        message = f"{data_dir} is closed to you: accounts are for whoever started Sandlot."
        raise _GaveUpError(message, ExitCode.DATA_DIRECTORY) from error
    except PrivateFileError as error:
        raise _GaveUpError(str(error), ExitCode.DATA_DIRECTORY) from error


async def _add(stack: _Stack, arguments: argparse.Namespace) -> None:
    name = _checked_name(arguments.name)
    groups = tuple(dict.fromkeys(arguments.group))
    for group in groups:
        refused = check_group_name(group)
        if refused is not None:
            raise _GaveUpError(refused.message, ExitCode.REFUSED)
    # Asked before anything is made: a failure must not hide the password of a new account.
    status = await stack.supervisor.status()
    try:
        await stack.hub.create(NewAccount(name=name, groups=groups, admin=arguments.admin))
    except HubRefusedError as error:
        if error.status != _CONFLICT:
            raise
        message = (
            f"There is an account {quoted(name)} already; `sandlot user password {name}` prints "
            "its password. Its groups are changed on the hub's admin page."
        )
        raise _GaveUpError(message, ExitCode.REFUSED) from error
    print(
        _welcome(name, groups, url=status.public_url or status.url, password=stack.password(name))
    )


def _welcome(name: str, groups: tuple[str, ...], *, url: str, password: str) -> str:
    lines = [
        f"The account {quoted(name)} was made.",
        "",
        f"  address    {url}",
        f"  user name  {name}",
        f"  password   {password}",
        *([f"  groups     {', '.join(groups)}"] if groups else []),
        "",
        f"Tell the password to nobody else; `sandlot user password {name}` prints it again.",
    ]
    return "\n".join(lines)


async def _list(stack: _Stack, arguments: argparse.Namespace) -> None:
    accounts = await stack.hub.accounts()
    if arguments.json:
        print(json.dumps([_document(account) for account in accounts]))
        return
    heading = ("NAME", "ROLE", "GROUPS", "SERVERS", "LAST SEEN")
    rows = [heading, *(_row(account) for account in accounts)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(heading))]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def _row(account: HubAccount) -> tuple[str, ...]:
    seen = (account.last_activity or "never")[:16].replace("T", " ")
    role = "admin" if account.admin else "user"
    groups = ", ".join(sorted(account.groups)) or "-"
    return account.name, role, groups, str(len(account.servers or ())), seen


def _document(account: HubAccount) -> dict[str, object]:
    return {
        "name": account.name,
        "admin": account.admin,
        "groups": sorted(account.groups),
        "servers": sorted(account.servers or ()),
        "last_activity": account.last_activity,
    }


async def _remove(stack: _Stack, arguments: argparse.Namespace) -> None:
    name = normalise_user_name(arguments.name)
    await _require(stack, name)
    if name == (await stack.supervisor.status()).admin:
        message = (
            f"{quoted(name)} is the first administrator, whom the next start would make again."
        )
        raise _GaveUpError(message, ExitCode.REFUSED)
    place = await stack.supervisor.account(name)
    kept = f"The home folder stays: {place.home}" if place else "It has no home folder yet."
    if not arguments.yes:
        _ask(name, kept)
    await stack.hub.delete(name)
    print(f"The account {quoted(name)} was removed. {kept}")
    if place:
        print("An account that is made with this name again gets it, with the same password.")


def _ask(name: str, kept: str) -> None:
    if not sys.stdin.isatty():
        message = "Nobody can be asked here. Say --yes to remove the account without a question."
        raise _GaveUpError(message, ExitCode.USAGE)
    print(f"The account {quoted(name)} will be gone: its servers are stopped, what is not saved is")
    print(f"lost, and nobody can log in with it. {kept}")
    if input("Remove it? [y/N] ").strip().lower() not in {"y", "yes"}:
        message = "Nothing was removed."
        raise _GaveUpError(message, ExitCode.FAILURE)


async def _password(stack: _Stack, arguments: argparse.Namespace) -> None:
    name = normalise_user_name(arguments.name)
    await _require(stack, name)
    print(stack.password(name))


async def _require(stack: _Stack, name: str) -> None:
    if check_user_name(name) is not None or await stack.hub.account(name) is None:
        message = f"There is no account {quoted(name)}; `sandlot user list` shows all."
        raise _GaveUpError(message, ExitCode.REFUSED)


def _checked_name(typed: str) -> str:
    """Return the name that the account gets; capitals are not worth a refusal."""
    name = normalise_user_name(typed)
    refused = check_user_name(name)
    if refused is not None:
        raise _GaveUpError(refused.message, ExitCode.REFUSED)
    return name
