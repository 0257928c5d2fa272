from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandlot_hub.domain.values.image_reference import (
    MAXIMUM,
    ImageReference,
    Malformed,
    parse_reference,
)

SHA256 = "sha256:" + "0123456789abcdef" * 4
SHA512 = "sha512:" + "0123456789abcdef" * 8


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"),
    [
        pytest.param("quay.io/lab/x:1", "quay.io", "lab/x", "1", None, id="whole"),
        pytest.param("quay.io/lab/x", "quay.io", "lab/x", "latest", None, id="no-tag"),
        pytest.param(f"quay.io/x@{SHA256}", "quay.io", "x", None, SHA256, id="digest"),
        pytest.param(f"quay.io/x:1@{SHA512}", "quay.io", "x", "1", SHA512, id="tag-and-digest"),
        pytest.param("r.org:5000/x", "r.org:5000", "x", "latest", None, id="port"),
        pytest.param("r.org:5000/x:5000", "r.org:5000", "x", "5000", None, id="port-and-tag"),
        pytest.param("r:5000/x", "r:5000", "x", "latest", None, id="short-host-with-port"),
        pytest.param("localhost/x", "localhost", "x", "latest", None, id="localhost"),
        pytest.param("Quay.IO/x", "quay.io", "x", "latest", None, id="host-is-lower-case"),
        pytest.param("10.0.0.1/x", "10.0.0.1", "x", "latest", None, id="ipv4"),
        pytest.param("xn--nxasmq6b.example/x", "xn--nxasmq6b.example", "x", "latest", None, id="idn"),
        pytest.param("a.b/c/d/e/f", "a.b", "c/d/e/f", "latest", None, id="deep"),
        pytest.param("a.b/c__d.e-f--g_h", "a.b", "c__d.e-f--g_h", "latest", None, id="separators"),
        pytest.param("a.b/x:A_b.C-1", "a.b", "x", "A_b.C-1", None, id="tag-characters"),
        pytest.param(f"a.b/x:{'t' * 128}", "a.b", "x", "t" * 128, None, id="longest-tag"),
        # What is left out is filled in as the runtimes do it.
        pytest.param("python", "docker.io", "library/python", "latest", None, id="one-word"),
        pytest.param("python:3.11", "docker.io", "library/python", "3.11", None, id="word-and-tag"),
        pytest.param("jupyter/x", "docker.io", "jupyter/x", "latest", None, id="no-registry"),
        pytest.param("docker.io/x", "docker.io", "library/x", "latest", None, id="docker"),
        pytest.param("index.docker.io/a/x", "docker.io", "a/x", "latest", None, id="index"),
        pytest.param("docker.io", "docker.io", "library/docker.io", "latest", None, id="no-slash"),
    ],
)  # fmt: skip
def test_parts(
    text: str, registry: str, repository: str, tag: str | None, digest: str | None
) -> None:
    assert parse_reference(text) == ImageReference(
        registry=registry, repository=repository, tag=tag, digest=digest
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "empty", id="nothing"),
        pytest.param(" ", "Only letters", id="space"),
        pytest.param("a.b/x y", "Only letters", id="space-within"),
        pytest.param("a.b/x\n", "Only letters", id="newline-at-the-end"),
        pytest.param("a.b/x\x00", "Only letters", id="nul"),
        pytest.param("a.b/х", "Only letters", id="cyrillic"),
        pytest.param("a.b/x:１", "Only letters", id="wide-digit"),
        pytest.param("a.b/{0.__class__}", "Only letters", id="format"),
        pytest.param("a.b/$(id)", "Only letters", id="shell"),
        pytest.param("https://a.b/x", "://", id="scheme"),
        pytest.param("docker://a.b/x", "://", id="transport"),
        pytest.param("a.b/X", "repository", id="upper-case"),
        pytest.param("Lab/x", "repository", id="upper-case-without-registry"),
        pytest.param("a.b//x", "repository", id="empty-part"),
        pytest.param("a.b/", "repository", id="no-repository"),
        pytest.param("/x", "repository", id="leading-slash"),
        pytest.param("a.b/x/", "repository", id="trailing-slash"),
        pytest.param("a.b/../x", "repository", id="up"),
        pytest.param("a.b/x..y", "repository", id="two-dots"),
        pytest.param("a.b/x___y", "repository", id="three-underscores"),
        pytest.param("a.b/-x", "repository", id="leading-hyphen"),
        pytest.param("a.b/x-", "repository", id="trailing-hyphen"),
        pytest.param("-a.b/x", "registry", id="host-begins-with-hyphen"),
        pytest.param("a..b/x", "registry", id="host-with-empty-label"),
        pytest.param(f"{'a' * 64}.b/x", "registry", id="host-with-long-label"),
        pytest.param("a.b:/x", "registry", id="no-port"),
        pytest.param("a.b:0/x", "registry", id="port-0"),
        pytest.param("a.b:65536/x", "registry", id="port-too-large"),
        pytest.param("a.b:80:80/x", "registry", id="two-ports"),
        pytest.param("user:word@a.b/x", "digest", id="credentials"),
        pytest.param("a.b/x:", "tag", id="empty-tag"),
        pytest.param("a.b/x:-1", "tag", id="tag-begins-with-hyphen"),
        pytest.param("a.b/x:.1", "tag", id="tag-begins-with-dot"),
        pytest.param(f"a.b/x:{'t' * 129}", "tag", id="long-tag"),
        pytest.param("a.b/x:1:2", "repository", id="two-tags"),
        pytest.param("a.b/x@", "digest", id="empty-digest"),
        pytest.param("a.b/x@sha256:abc", "digest", id="short-digest"),
        pytest.param(f"a.b/x@{SHA256.upper()}", "digest", id="upper-case-digest"),
        pytest.param(f"a.b/x@md5:{'a' * 32}", "digest", id="weak-digest"),
        pytest.param(f"a.b/x@{SHA256}@{SHA256}", "digest", id="two-digests"),
        pytest.param(f"a.b/x@{SHA256}:1", "digest", id="tag-after-digest"),
        pytest.param("a.b/" + "x" * 252, "longer than 255", id="too-long"),
        pytest.param("a.b/" + "x" * 250, "longer than 255", id="too-long-with-its-tag"),
        pytest.param("x" * 10_000_000, "longer than 255", id="10-mb"),
    ],
)
def test_malformed(text: str, words: str) -> None:
    found = parse_reference(text)
    assert isinstance(found, Malformed)
    assert words in found.reason
    assert "\n" not in found.reason
    assert found.reason.endswith(".")


LABELS = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,8}[a-zA-Z0-9])?", fullmatch=True)
REGISTRIES = st.builds(
    lambda labels, port: ".".join(labels) + port,
    st.lists(LABELS, min_size=2, max_size=3),
    st.sampled_from(["", ":5000", ":65535"]),
)
PARTS = st.from_regex(r"[a-z0-9]{1,5}((\.|_|__|-{1,3})[a-z0-9]{1,5}){0,2}", fullmatch=True)
TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,9}", fullmatch=True)


@given(
    REGISTRIES, st.lists(PARTS, min_size=1, max_size=4), st.none() | TAGS,
    st.sampled_from([None, SHA256]),
)  # fmt: skip
def test_what_the_grammar_makes_is_taken_apart(
    registry: str, parts: list[str], tag: str | None, digest: str | None
) -> None:
    text = "/".join([registry, *parts]) + (f":{tag}" if tag else "")
    text += f"@{digest}" if digest else ""
    found = parse_reference(text)
    assert isinstance(found, ImageReference)
    assert found.registry == registry.lower()
    assert found.repository == "/".join(parts)
    assert found.tag == (tag if tag or digest else "latest")
    assert found.digest == digest


@given(st.text(max_size=300) | st.from_regex(r"[a-z./:@_-]{0,40}", fullmatch=True))
def test_any_text_is_answered_and_what_is_written_is_read_again(text: str) -> None:
    found = parse_reference(text)
    if isinstance(found, ImageReference):
        assert len(str(found)) <= MAXIMUM
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*", str(found))
        assert parse_reference(str(found)) == found
        assert (
            text.lower().endswith(found.repository.rpartition("/")[2]) or ":" in text or "@" in text
        )
