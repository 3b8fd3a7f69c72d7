"""Which base image a build starts from, and how long a registry is waited for."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from hack.cluster.progress import Step
from hack.images import bases
from hack.images.bases import Bases
from hack.images.local_base import LocalBase

DEFAULT = "python:3.11"


class Store:
    """An engine's store; `pull` is the shell command that stands for a registry in reach or out of it."""

    name = "store"

    def __init__(self, pull: str, *images: str) -> None:
        self.images = set(images)
        self._pull = pull

    def has(self, image: str) -> bool:
        return image in self.images

    def pull_command(self, image: str) -> list[str]:
        return ["sh", "-c", self._pull]


class Recipe(LocalBase):
    """A local base image that is made at once."""

    def __init__(self) -> None:
        self.made = 0

    def name(self) -> str:
        return "local:1"

    def make(self, engine: Store, logs: Path) -> None:  # type: ignore[override]
        self.made += 1
        engine.images.add(self.name())


def resolve(store: Store, recipe: Recipe, *defaults: str, override: str | None = None) -> list[str]:
    found = Bases(store, recipe, override, Path("logs"))  # type: ignore[arg-type]
    return [found.resolve(default) for default in defaults]


def step() -> Step:
    return Step("asking", stream=io.StringIO())


def test_an_override_is_taken_without_asking_anyone() -> None:
    recipe = Recipe()
    assert resolve(Store("exit 1"), recipe, DEFAULT, override="mine:2") == ["mine:2"]
    assert not recipe.made


def test_an_image_that_the_engine_has_is_not_pulled() -> None:
    assert resolve(Store("exit 1", DEFAULT, "local:1"), Recipe(), DEFAULT) == [DEFAULT]


def test_a_registry_in_reach_gives_the_dockerfiles_own_base() -> None:
    assert resolve(Store("echo Pulling from library; exit 0"), Recipe(), DEFAULT) == [DEFAULT]


def test_without_a_registry_one_local_base_serves_all_dockerfiles() -> None:
    recipe = Recipe()
    assert resolve(Store("exit 1"), recipe, DEFAULT, "debian:12") == ["local:1", "local:1"]
    assert recipe.made == 1


def test_a_local_base_made_before_is_used_without_asking_a_registry() -> None:
    assert resolve(Store("echo Pulling from library; exit 0", "local:1"), Recipe(), DEFAULT) == ["local:1"]


def test_a_registry_that_never_answers_is_given_up() -> None:
    assert not bases.pull(["sleep", "infinity"], step(), answer_seconds=0.2)


def test_a_registry_that_has_answered_may_take_its_time() -> None:
    command = ["sh", "-c", "echo 3.11: Pulling from library/python; sleep 1"]
    assert bases.pull(command, step(), answer_seconds=0.5)


@pytest.mark.parametrize("code", [1, 125])
def test_a_pull_that_fails_is_none(code: int) -> None:
    assert not bases.pull(["sh", "-c", f"echo no such host; exit {code}"], step())
