"""Session fixture: the image."""

from collections.abc import Iterator

import pytest

from .containers import Image, build_image


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """Yields the image built from the Dockerfile."""
    built = build_image(tmp_path_factory.mktemp("image"))
    try:
        yield built
    finally:
        built.remove()
