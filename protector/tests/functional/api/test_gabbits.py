# SPDX-License-Identifier: Apache-2.0
"""The API as its clients see it: gabbits/*.yaml, one story a file."""

import pathlib

import pytest
from functional.api import fixtures
from gabbi import driver
from gabbi.driver import test_pytest  # noqa: F401


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    driver.py_test_generator(
        str(pathlib.Path(__file__).parent / "gabbits"),
        intercept=fixtures.app,
        fixture_module=fixtures,
        test_loader_name="api",
        metafunc=metafunc,
    )
