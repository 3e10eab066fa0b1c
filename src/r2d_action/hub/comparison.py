"""Is what a server runs the image that was published? Pure.

Spawners of Kubernetes and Docker put the image's name, as the hub's configuration has it, into
the server's environment as JUPYTER_IMAGE_SPEC. A digest in it settles the matter. Of a tag the
registry can say which digest it means today; what a node keeps under that tag from earlier,
nobody can see from outside: this is why tags of commits, which never move, are better names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from r2d_action.errors import HubFailed
from r2d_action.reference import Digest, InvalidReference, Reference, Repository, Tag

LATEST = Tag("latest")
PROFILES_RULE = (
    "A hub with a list of profiles (profileList) takes the image from there, and nothing that is "
    "set through the configurator has an effect: change the profile by a pull request, and name "
    "the profile in HUB_VERIFY_OPTIONS."
)


class Basis(str, Enum):
    """What the comparison rests on."""

    DIGEST = "digest"
    """The server names the digest itself."""
    TAG_IN_REGISTRY = "tag-in-registry"
    """It names the tag, under which the registry has the digest."""
    TAG = "tag"
    """No digest was given, or the registry did not tell."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """``runs`` is the reference that the server was started from."""

    runs: Reference
    basis: Basis

    @property
    def sentence(self) -> str:
        return f"The server runs {self.runs}{_REST[self.basis]}"


_REST = {
    Basis.DIGEST: ": the very image that was asked for.",
    Basis.TAG_IN_REGISTRY: ", and the registry has the image that was asked for there.",
    Basis.TAG: ". Only the tag was compared, not the digest.",
}

DigestOf = Callable[[Repository, Tag], Digest | None]
"""The digest that the registry has under a tag, None when it does not tell."""


def compare(expected: Reference, spec: str, digest_of: DigestOf) -> Comparison:
    """Raises :class:`HubFailed` with what runs instead."""
    runs = _read(spec)
    if runs.repository.identity != expected.repository.identity:
        raise _another(runs, expected)
    if runs.digest and expected.digest:
        if runs.digest != expected.digest:
            raise _another(runs, expected)
        return Comparison(runs, Basis.DIGEST)
    if (runs.tag or LATEST) != (expected.tag or LATEST):
        raise _another(runs, expected)
    return Comparison(runs, _by_registry(runs, expected, digest_of))


def _read(spec: str) -> Reference:
    try:
        return Reference.parse(spec)
    except InvalidReference:
        raise HubFailed(
            f"The server does not say which image it runs: JUPYTER_IMAGE_SPEC is {spec!r} in it. "
            "KubeSpawner and DockerSpawner set it; with another spawner, set it in the hub's "
            "`c.Spawner.environment`."
        ) from None


def _by_registry(runs: Reference, expected: Reference, digest_of: DigestOf) -> Basis:
    known = digest_of(runs.repository, runs.tag or LATEST)
    wanted = runs.digest or expected.digest
    if known is None or wanted is None:
        return Basis.TAG
    if known != wanted:
        raise HubFailed(
            f"The server runs {runs}, as it should, but the registry has another image under this "
            f"name by now: {known} and not {wanted}. Verify a tag that is given only once, such "
            "as the commit's."
        )
    return Basis.TAG_IN_REGISTRY


def _another(runs: Reference, expected: Reference) -> HubFailed:
    return HubFailed(
        f"The server runs {runs} and not {expected}. See whether the hub's change is merged and "
        "deployed, and whether HUB_VERIFY_OPTIONS names the profile that was changed.",
        remedy=PROFILES_RULE,
    )
