# SPDX-License-Identifier: Apache-2.0
import getpass
import pathlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from protector.db import schema, session


@pytest.fixture(scope="session")
def mariadb() -> Iterator[str]:
    """A MariaDB of our own, reached by a socket in a folder that goes with it."""
    if not (shutil.which("mariadbd") and shutil.which("mariadb-install-db")):
        pytest.skip("mariadb-server is not installed")
    home = pathlib.Path(tempfile.mkdtemp(prefix="protector-"))
    common = ["--no-defaults", f"--datadir={home}/data", f"--user={getpass.getuser()}"]
    subprocess.run(
        ["mariadb-install-db", *common, "--auth-root-authentication-method=normal"],
        check=True,
        capture_output=True,
    )
    address = f"{home}/socket"
    server = subprocess.Popen(
        ["mariadbd", *common, "--skip-networking", f"--socket={address}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"mysql+pymysql://root@localhost/{{name}}?unix_socket={address}&charset=utf8mb4"
    try:
        _wait_for(sa.create_engine(url.format(name="")))
        yield url
    finally:
        server.terminate()
        server.wait(60)
        shutil.rmtree(home)


def _wait_for(engine: sa.Engine) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            engine.connect().close()
            return
        except sa.exc.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


@pytest.fixture(params=["sqlite", "mariadb"])
def empty(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[sa.Engine]:
    """An empty database, of each kind that is supported."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/protector.db"
    else:
        server = request.getfixturevalue("mariadb")
        admin = sa.create_engine(server.format(name=""))
        with admin.begin() as connection:
            connection.exec_driver_sql("DROP DATABASE IF EXISTS protector")
            connection.exec_driver_sql("CREATE DATABASE protector CHARACTER SET utf8mb4")
        admin.dispose()
        url = server.format(name="protector")
    engine = session.connect(url)
    yield engine
    engine.dispose()


@pytest.fixture
def sessions(empty: sa.Engine) -> sessionmaker[Session]:
    schema.upgrade(empty)
    return session.make_sessions(empty)
