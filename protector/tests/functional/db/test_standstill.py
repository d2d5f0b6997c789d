# SPDX-License-Identifier: Apache-2.0
"""An engine is stopped, or cut off, while it holds rows; another one is to go on with them."""

import pytest
import sqlalchemy as sa

from protector.db import schema, session
from protector.db.models import Site


@pytest.fixture
def address(mariadb: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(session, "STANDSTILL", 1)
    url = mariadb.format(name="standstill")
    with sa.create_engine(mariadb.format(name="")).begin() as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS standstill")
        connection.exec_driver_sql("CREATE DATABASE standstill CHARACTER SET utf8mb4")
    schema.upgrade(session.connect(url))
    return url


def test_rows_are_free_again_and_who_held_them_is_told(address: str) -> None:
    stopped, other = (session.make_sessions(session.connect(address)) for _ in range(2))
    rename = sa.update(Site).values(name="renamed")
    with stopped() as held:
        held.execute(sa.insert(Site).values(name="site-a", auth_url="https://a", region_name="a"))
        held.commit()
        held.execute(rename)
        with other.begin() as waiting:
            waiting.execute(sa.text("SET SESSION innodb_lock_wait_timeout = 20"))
            waiting.execute(rename)
        with pytest.raises(sa.exc.OperationalError):
            held.execute(rename)
    with stopped.begin() as anew:
        assert anew.scalars(sa.select(Site.name)).all() == ["renamed"]
