from __future__ import annotations

import pytest

from sandlot_hub.local.image_progress import BuildOutput, BuildProgress

OUTPUT = """\
Using CPython 3.11.2 interpreter at: /usr/bin/python3
Creating virtual environment at: env
Resolved 148 packages in 355ms
Downloading numpy (16.0MiB)
Downloading zarr (1.5KiB)
Downloading scipy (48.0MiB)
 Downloaded zarr
 Downloaded numpy
 Downloaded scipy
Prepared 34 packages in 1.03s
Installed 148 packages in 1.16s
Bytecode compiled 9487 files in 7.86s
 + numpy==2.4.6
""".splitlines()


class Log:
    def __init__(self) -> None:
        self.content = b""

    def write(self, chunk: bytes) -> None:
        self.content += chunk


def test_it_only_goes_forward() -> None:
    progress = BuildProgress()
    fractions = []
    for line in OUTPUT:
        progress.feed(line)
        fractions.append(progress.fraction)

    assert fractions == sorted(fractions)
    assert 0 < fractions[2] < fractions[-1] < 1


def test_it_does_not_go_back_when_more_is_to_be_got_than_was_known() -> None:
    progress = BuildProgress()
    for line in ("Downloading a (10.0MiB)", " Downloaded a"):
        progress.feed(line)
    before = progress.fraction

    progress.feed("Downloading b (90.0MiB)")

    assert progress.fraction == before
    assert progress.sentence == "Getting the packages: 10 of 100 MiB."


@pytest.mark.parametrize(
    ("lines", "fraction", "sentence"),
    [
        pytest.param(0, 0.0, "Making the environment.", id="begin"),
        pytest.param(3, 0.05, "Getting the packages.", id="resolved"),
        pytest.param(6, 0.05, "Getting the packages: 0 of 64 MiB.", id="announced"),
        pytest.param(8, 0.175, "Getting the packages: 16 of 64 MiB.", id="a-quarter"),
        pytest.param(9, 0.55, "Getting the packages: 64 of 64 MiB.", id="all-there"),
        pytest.param(10, 0.55, "Installing the packages.", id="prepared"),
        pytest.param(11, 0.65, "Preparing the packages for fast starts.", id="installed"),
        pytest.param(12, 0.95, "Checking the environment.", id="compiled"),
    ],
)
def test_what_it_says(lines: int, fraction: float, sentence: str) -> None:
    progress = BuildProgress()
    for line in OUTPUT[:lines]:
        progress.feed(line)

    assert progress.fraction == pytest.approx(fraction, abs=0.01)
    assert progress.sentence == sentence


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Downloading",
        "Downloading x (y)",
        "Downloading x (1.2.3MiB)",
        "Resolved",
        "\0\x1b[2J",
        "Downloaded x",
    ],
)
def test_lines_that_it_does_not_know(line: str) -> None:
    progress = BuildProgress()

    progress.feed(line)

    assert progress.fraction == 0.0


def test_lines_arrive_in_pieces() -> None:
    log = Log()
    output = BuildOutput(log=log)
    text = "\n".join(OUTPUT).encode()
    for start in range(0, len(text), 7):
        output.write(text[start : start + 7])

    assert log.content == text
    assert output.progress.sentence == "Checking the environment."


def test_the_reason_is_the_last_lines() -> None:
    output = BuildOutput(log=Log())
    output.write(b"\n".join(b"line %d" % number for number in range(100)))

    assert output.reason().endswith("line 97 line 98 line 99")
    assert "line 90" not in output.reason()


def test_the_reason_has_no_credentials() -> None:
    output = BuildOutput(log=Log())
    output.write(b"error: 401 for https://ann:s3cret@registry.example/simple/\n")

    assert "s3cret" not in output.reason()
    assert "registry.example" in output.reason()


def test_the_reason_is_bounded_however_much_is_written() -> None:
    output = BuildOutput(log=Log())
    for _ in range(100):
        output.write(b"x" * 100_000)

    assert len(output.reason()) < 500
