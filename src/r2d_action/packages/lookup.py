"""The packages of any image, wherever the list is to be had soonest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from docker.errors import DockerException, ImageNotFound

from r2d_action.engine import Engine
from r2d_action.errors import EngineError, UserError
from r2d_action.packages.attached import packages_of
from r2d_action.packages.image import read_packages
from r2d_action.packages.values import PackageList
from r2d_action.publish.push import auth_config
from r2d_action.reference import Reference, Registry
from r2d_action.registry.client import Client, RegistryError
from r2d_action.retry import Temporary


@dataclass(frozen=True, slots=True)
class Lookup:
    """``engine`` raises :class:`EngineError` where there is none: what registries keep can be had
    without one."""

    engine: Callable[[], Engine]
    client: Callable[[Registry], Client]
    say: Callable[[str], None]

    def __call__(self, image: Reference) -> PackageList:
        """Raises :class:`UserError`."""
        return self._in_engine(image) or self._in_registry(image) or self._pulled(image)

    def _in_engine(self, image: Reference) -> PackageList | None:
        try:
            client = self.engine().client
            client.images.get(_name(image))
        except (EngineError, ImageNotFound):
            return None
        self.say(f"reading the packages of {image} out of the engine's image")
        return read_packages(client, _name(image))

    def _in_registry(self, image: Reference) -> PackageList | None:
        repository = image.repository
        client = self.client(repository.registry)
        try:
            digest = image.digest or client.digest(repository, str(image.tag or "latest"))
            found = packages_of(client, repository, digest) if digest else None
        except (RegistryError, Temporary) as trouble:
            raise UserError(
                f"{image} is not in the engine of this machine, and its registry cannot be asked: "
                f"{trouble}; check the name, and log in (`docker login`) if it is private."
            ) from trouble
        if digest is None:
            raise UserError(
                f"{image} is neither in the engine of this machine nor in its registry; check the "
                "name and the tag."
            )
        if found:
            self.say(f"the packages of {image} are kept with it in the registry")
        return found

    def _pulled(self, image: Reference) -> PackageList:
        self.say(f"{image} has no list of its packages: pulling it, to look inside")
        client = self.engine().client
        credential = self.client(image.repository.registry).credential
        try:
            client.images.pull(
                image.repository.name,
                tag=str(image.digest or image.tag or "latest"),
                auth_config=auth_config(credential),
            )
        except DockerException as error:
            raise UserError(f"The engine could not pull {image}: {error}") from error
        return read_packages(client, _name(image))


def _name(image: Reference) -> str:
    return f"{image.repository}@{image.digest}" if image.digest else image.tagged_name
