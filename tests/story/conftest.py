"""One house for the tests of a file; each test fails when a page broke the content policy or asked another host."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.browser.house import House, running_house


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with running_house(tmp_path_factory.mktemp("house"), port) as house:
        yield house


@pytest.fixture
def house(shared_house: House) -> Iterator[House]:
    shared_house.trouble.clear()
    yield shared_house
    assert not shared_house.trouble, "\n".join(shared_house.trouble)
