"""Container images: made from the lock of the environment, and fit for a restricted cluster."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from typing import TYPE_CHECKING

import pytest

import image_context
from sandlot_hub.local.server_wheel import ServerWheel, build_server_wheel
from support.house import ROOT

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = ("base", "scipy")
ARGUMENT = re.compile(r"^ARG (\w+)=(\S+)$", re.MULTILINE)
ADDRESS = re.compile(r"https?://|[\w-]+\.(com|org|io|net)\b")
BASE = "docker.io/library/python:3.11-slim-bookworm"


def dockerfile(image: str) -> str:
    """Return an image's Dockerfile, with its lines joined and without its comments."""
    text = (ROOT / "images" / image / image_context.DOCKERFILE).read_text()
    joined = text.replace("\\\n", " ")
    return "\n".join(line for line in joined.splitlines() if not line.startswith("#"))


def wheel_with(*, labextension: bool) -> ServerWheel:
    """Return Sandlot's part as if its Lab extension was built, or was not."""
    return dataclasses.replace(build_server_wheel(), has_labextension=labextension)


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    target = tmp_path_factory.mktemp("contexts")
    made = image_context.make_contexts(target, wheel=wheel_with(labextension=True))
    return {folder.name: folder for folder in made}


def test_every_image_has_a_context(contexts: dict[str, Path]) -> None:
    assert contexts.keys() == set(IMAGES)


@pytest.mark.parametrize("image", IMAGES)
def test_a_context_holds_the_lock_as_it_is(contexts: dict[str, Path], image: str) -> None:
    lock = ROOT / "images" / image / "requirements.lock"

    assert (contexts[image] / "requirements.lock").read_bytes() == lock.read_bytes()


@pytest.mark.parametrize("image", IMAGES)
def test_a_context_holds_sandlots_part_with_its_hash(contexts: dict[str, Path], image: str) -> None:
    (wheel,) = contexts[image].glob("*.whl")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()

    line = (contexts[image] / "server.txt").read_text()

    assert line == f"./{wheel.name} --hash=sha256:{digest}\n"


@pytest.mark.parametrize("image", IMAGES)
def test_a_context_holds_what_environments_get_as_well(
    contexts: dict[str, Path], image: str
) -> None:
    overlay = ROOT / "images/overlay"
    expected = {path.relative_to(overlay) for path in overlay.rglob("*") if path.is_file()}
    found = contexts[image] / "overlay"

    assert {path.relative_to(found) for path in found.rglob("*") if path.is_file()} == expected
    assert {path.suffix for path in (contexts[image] / "site").iterdir()} == {".py", ".pth"}


@pytest.mark.parametrize("image", IMAGES)
def test_what_is_run_can_be_run_and_all_can_be_read(contexts: dict[str, Path], image: str) -> None:
    modes = {
        path.relative_to(contexts[image]).as_posix(): path.stat().st_mode & 0o777
        for path in contexts[image].rglob("*")
        if path.is_file()
    }
    run = {name for name, mode in modes.items() if mode == 0o755}

    assert run == {f"verify/{each}/verify" for each in IMAGES}
    assert {mode for name, mode in modes.items() if name not in run} == {0o644}


@pytest.mark.parametrize("image", IMAGES)
def test_packages_come_from_the_lock_alone(image: str) -> None:
    installs = re.findall(r"pip install (.*?)(?= && |$)", dockerfile(image), re.MULTILINE)

    assert [re.findall(r"--requirement (\S+)", each) for each in installs] == [
        ["/tmp/requirements.lock"],  # noqa: S108 (a mount of the build)
        ["server.txt"],
    ]
    for each in installs:
        assert {"--no-deps", "--require-hashes"} <= set(each.split())


@pytest.mark.parametrize("image", IMAGES)
def test_it_runs_as_a_numbered_user_with_a_home(image: str) -> None:
    text = dockerfile(image)

    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["1000"]
    assert "useradd --uid 1000 " in text
    assert "HOME=/home/jovyan" in text


@pytest.mark.parametrize("image", IMAGES)
def test_it_starts_the_server_of_the_hub(image: str) -> None:
    lines = dockerfile(image).splitlines()

    assert lines[-2:] == ['ENTRYPOINT ["tini", "-g", "--"]', 'CMD ["jupyterhub-singleuser"]']


@pytest.mark.parametrize("image", IMAGES)
def test_only_the_base_has_an_address(image: str) -> None:
    text = dockerfile(image)

    assert dict(ARGUMENT.findall(text))["BASE"] == BASE
    assert not ADDRESS.search(text.replace(BASE, ""))


@pytest.mark.parametrize("image", IMAGES)
def test_what_people_add_stays_with_the_image(image: str) -> None:
    """The folder's name up to the dash is what the environment on one machine has as well."""
    environment = dict(ARGUMENT.findall(dockerfile(image)))["ENVIRONMENT"]

    assert environment == f"/opt/sandlot/{image}-image"


def test_images_differ_by_their_names_only() -> None:
    base, scipy = (dockerfile(image) for image in IMAGES)

    assert scipy == base.replace("/base-image", "/scipy-image")


@pytest.mark.parametrize(
    ("names", "labextension", "words"),
    [
        pytest.param(["r"], True, "no image is called r; there are base, scipy", id="unknown"),
        pytest.param([], False, "`make install`", id="no-lab-extension"),
    ],
)
def test_what_cannot_be_made_is_said(
    tmp_path: Path, names: list[str], labextension: bool, words: str
) -> None:
    with pytest.raises(image_context.ContextError, match=words):
        image_context.make_contexts(tmp_path, names, wheel=wheel_with(labextension=labextension))

    assert not list(tmp_path.iterdir())
