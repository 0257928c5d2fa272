"""Tests of which GPUs of one machine a flavor means."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from sandlot_hub.domain.settings.local_flavor import (
    FlavorLocalSettings,
    plain_profile,
    profile_of_resource,
    vendor_of_resource,
)


@pytest.mark.parametrize(
    ("resource", "vendor", "profile"),
    [
        pytest.param("nvidia.com/gpu", "nvidia", None, id="nvidia"),
        pytest.param("nvidia.com/gpu.shared", "nvidia", None, id="shared"),
        pytest.param("nvidia.com/mig-1g.10gb", "nvidia", "1g.10gb", id="part"),
        pytest.param("nvidia.com/mig-1g.10gb.me", "nvidia", "1g.10gb.me", id="part-with-media"),
        pytest.param("amd.com/gpu", "amd", None, id="amd"),
        pytest.param("amd.com/mig-1g.10gb", "amd", None, id="no-part-of-amd"),
        pytest.param("gpu.intel.com/i915", "intel", None, id="i915"),
        pytest.param("gpu.intel.com/xe", "intel", None, id="xe"),
        pytest.param("example.org/gpu", None, None, id="somebody"),
        pytest.param("evil-nvidia.com/gpu", None, None, id="nearly"),
    ],
)
def test_what_a_resource_tells(resource: str, vendor: str | None, profile: str | None) -> None:
    assert vendor_of_resource(resource) == vendor
    assert profile_of_resource(resource) == profile


@pytest.mark.parametrize("profile", ["1g.10gb", "1g.10gb+me", "1c.3g.20gb", "7g.80gb", "1g.5gb-me"])
def test_profiles_are_taken_as_nvidia_writes_them(profile: str) -> None:
    assert FlavorLocalSettings(mig_profile=profile).mig_profile == profile


def test_a_resource_cannot_hold_a_plus_sign() -> None:
    assert plain_profile("1g.10gb+me") == plain_profile("1g.10gb.me")
    assert plain_profile("1g.10gb+me") != plain_profile("1g.10gb")


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"vendor": "matrox"}, id="vendor"),
        pytest.param({"product": ""}, id="no-product"),
        pytest.param({"product": "L4\n"}, id="two-lines"),
        pytest.param({"mig_profile": "10gb"}, id="profile"),
        pytest.param({"mig_profile": "1g.10gb "}, id="space"),
        pytest.param({"uuid": "GPU-1"}, id="unknown-key"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FlavorLocalSettings.model_validate(settings)
