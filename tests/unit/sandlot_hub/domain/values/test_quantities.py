from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandlot_hub.domain.values.quantities import read_amount, read_amounts, read_quantity


@pytest.mark.parametrize(
    ("quantity", "down", "up"),
    [
        pytest.param("2", 2, 2, id="whole"),
        pytest.param("0", 0, 0, id="nothing"),
        pytest.param("007", 7, 7, id="leading-zeros"),
        pytest.param("+3", 3, 3, id="plus"),
        pytest.param(4, 4, 4, id="number"),
        pytest.param("1.5", 1, 2, id="fraction"),
        pytest.param("1.", 1, 1, id="point-at-the-end"),
        pytest.param(".5", 0, 1, id="point-at-the-beginning"),
        pytest.param("500m", 0, 1, id="thousandths"),
        pytest.param("2500m", 2, 3, id="more-thousandths"),
        pytest.param("1u", 0, 1, id="millionths"),
        pytest.param("1n", 0, 1, id="billionths"),
        pytest.param("100k", 100_000, 100_000, id="k"),
        pytest.param("1M", 1000**2, 1000**2, id="M"),
        pytest.param("1G", 1000**3, 1000**3, id="G"),
        pytest.param("1T", 1000**4, 1000**4, id="T"),
        pytest.param("1P", 1000**5, 1000**5, id="P"),
        pytest.param("1E", 1000**6, 1000**6, id="E-without-digits-is-exa"),
        pytest.param("1Ki", 1024, 1024, id="Ki"),
        pytest.param("1.5Gi", 3 * 2**29, 3 * 2**29, id="Gi"),
        pytest.param("1Ei", 2**60, 2**60, id="Ei"),
        pytest.param("1e3", 1000, 1000, id="exponent"),
        pytest.param("1E3", 1000, 1000, id="capital-exponent"),
        pytest.param("15e-1", 1, 2, id="negative-exponent"),
        pytest.param("1e-99", 0, 1, id="next-to-nothing"),
        *(
            pytest.param(wrong, None, None, id=name)
            for name, wrong in {
                "empty": "",
                "point": ".",
                "unit-alone": "Gi",
                "negative": "-1",
                "negative-number": -1,
                "nan": "NaN",
                "infinite": "inf",
                "unknown-unit": "1Q",
                "bytes-unit": "1GB",
                "lower-case-unit": "1gi",
                "two-units": "1Gim",
                "space": "1 Gi",
                "newline": "1\n",
                "other-digits": "٣",
                "hexadecimal": "0x10",
                "exponent-and-unit": "1e3Ki",
                "huge-exponent": "1e999999999",
                "too-long": "1" * 41,
                "none": None,
                "float": 1.5,
                "true": True,
                "list": ["1"],
            }.items()
        ),
    ],
)
def test_quantities(quantity: object, down: int | None, up: int | None) -> None:
    assert read_quantity(quantity, up=False) == down
    assert read_quantity(quantity, up=True) == up


@pytest.mark.parametrize(
    ("resource", "quantity", "amount"),
    [
        pytest.param("cpu", "2", 2000, id="cores"),
        pytest.param("cpu", "500m", 500, id="thousandths-of-a-core"),
        pytest.param("cpu", "1500u", 2, id="less-than-a-thousandth-is-one"),
        pytest.param("cpu", "1000001", None, id="no-machine-has-as-many-cores"),
        pytest.param("memory", "1Gi", 2**30, id="bytes"),
        pytest.param("memory", "1Ei", 2**60, id="most-bytes"),
        pytest.param("memory", "2Ei", None, id="no-machine-has-as-much-memory"),
        pytest.param("hugepages-2Mi", "4Gi", 2**32, id="huge-pages-are-bytes"),
        pytest.param("ephemeral-storage", "1Ti", 2**40, id="disk-is-bytes"),
        pytest.param("nvidia.com/gpu", "8", 8, id="pieces"),
        pytest.param("nvidia.com/gpu", "1M", 1_000_000, id="most-pieces"),
        pytest.param("nvidia.com/gpu", "1G", None, id="no-machine-has-as-many"),
        pytest.param("pods", "110", 110, id="pods"),
    ],
)
def test_unit_of_a_resource(resource: str, quantity: str, amount: int | None) -> None:
    assert read_amount(resource, quantity, up=True) == amount


def test_what_a_node_has_is_rounded_down() -> None:
    found = read_amounts({"cpu": "1999500u", "memory": "x", "pods": "-1", "a.b/c": "3"}, up=False)
    assert found.known == {"cpu": 1999, "a.b/c": 3}
    assert found.unknown == {"memory", "pods"}


@given(st.one_of(st.text(max_size=60), st.integers(), st.floats(), st.none(), st.binary()))
def test_whatever_it_is_it_is_read_or_not_known(quantity: object) -> None:
    down, up = (read_amount("nvidia.com/gpu", quantity, up=each) for each in (False, True))
    assert down is None or 0 <= down <= 1_000_000
    assert up is None or (down is not None and down <= up <= down + 1)


@given(
    st.decimals(0, 10**6, allow_nan=False, places=3),
    st.sampled_from([("", 1000), ("m", 1), ("k", 10**6), ("Ki", 1024 * 1000), ("e2", 10**5)]),
)
def test_rounding_is_that_of_exact_arithmetic(number: object, unit: tuple[str, int]) -> None:
    text, (suffix, thousandths) = f"{number:f}", unit
    whole, _, rest = text.partition(".")
    exact = int(whole + rest) * thousandths  # in millionths
    assert read_quantity(f"{text}{suffix}", per_unit=1000, up=False) == exact // 1000
    assert read_quantity(f"{text}{suffix}", per_unit=1000, up=True) == -(-exact // 1000)
