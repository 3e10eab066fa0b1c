"""The record of a run: what each stage made of it, as far as it came.

A failed run is the same record with its later stages missing. Records go to JSON and back
(:mod:`r2d_action.json_text`).
"""

from __future__ import annotations

from dataclasses import dataclass

from r2d_action.binder.binderhub import Triggered
from r2d_action.binder.cache import CacheResult
from r2d_action.build import Built
from r2d_action.check.hub_start import HubStart
from r2d_action.check.image_tests import TestReport
from r2d_action.errors import Failure
from r2d_action.hub.values import Proposal
from r2d_action.key import Material
from r2d_action.packages.values import Before, Compared, PackageList
from r2d_action.plan import Plan
from r2d_action.publish import Copied, Published
from r2d_action.reference import Reference
from r2d_action.registry.client import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """None for a check that was not made."""

    tests: TestReport | None
    hub_start: HubStart | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """``value`` is empty where there is no key, and ``why_none`` says why."""

    value: str
    material: Material | None = None
    why_none: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reused:
    """An image that the registry has already; ``commit`` and ``created`` as it says itself."""

    manifest: Manifest
    commit: str
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``adopted`` is the name that the image which was found to be reused got for this commit."""

    plan: Plan | None = None
    key: Keyed | None = None
    reused: Reused | None = None
    adopted: Reference | None = None
    built: Built | None = None
    checked: Checked | None = None
    before: Before | None = None
    installed: PackageList | None = None
    compared: Compared | None = None
    published: Published | None = None
    copies: tuple[Copied, ...] = ()
    proposal: Proposal | None = None
    binder_cache: CacheResult | None = None
    mybinder: Triggered | None = None
    prebuilt: Triggered | None = None
    failure: Failure | None = None

    @property
    def status(self) -> str:
        """BUILD_STATUS: built, reused, skipped, or failed."""
        if self.failure:
            return "failed"
        if self.reused:
            return "reused"
        return "built" if self.built else "skipped"
