from __future__ import annotations

import re
from pathlib import Path

import sandlot_hub.spawner
from sandlot_hub.spawner.page_files import TYPES, media_type, page_files

FOLDER = Path(sandlot_hub.spawner.__file__).parent / "static"


def test_every_file_of_the_folder_is_served_as_what_it_is() -> None:
    found = {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.is_file()}
    assert {Path(name).suffix for name in found} <= set(TYPES)
    assert page_files().contents == found
    assert media_type("spawn.js") == "text/javascript; charset=utf-8"


def test_names_are_such_that_the_handler_takes_them() -> None:
    for name in page_files().contents:
        assert re.fullmatch(r"[A-Za-z0-9_-]+\.[a-z]+", name)


def test_modules_import_neighbours_that_are_there() -> None:
    # Relative, because the version is in the path of a module, and so in that of its neighbours.
    contents = page_files().contents
    for name, content in contents.items():
        for target in re.findall(
            rb"^(?:import|export)[^;]*? from '([^']+)'", content, re.MULTILINE
        ):
            assert target.decode().removeprefix("./") in contents, name


def test_the_folder_is_below_the_hub() -> None:
    files = page_files()
    assert files.url("/base/hub/") == f"/base/hub/sandlot/static/{files.version}"
