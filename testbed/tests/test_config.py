# SPDX-License-Identifier: Apache-2.0
import configparser
import pathlib
import stat

import pytest
import yaml

from testbed import clouds, schemas
from testbed.config import configure
from testbed.layout import SITE_A, SITE_B, Folders, Place


@pytest.fixture
def folders(tmp_path: pathlib.Path) -> Folders:
    """A repository with as much as the configuration needs of one."""
    repository = tmp_path / "repository"
    paste = repository / "build" / "openstack" / "etc" / "nova" / "api-paste.ini"
    paste.parent.mkdir(parents=True)
    paste.write_text("[pipeline:main]\n")
    (repository / "requirements").mkdir()
    (repository / "requirements" / "openstack.lock").write_text("nova==34.0.0\n")
    state = tmp_path / "state"
    state.mkdir()
    return Folders(repository, state)


def files(folders: Folders, place: Place) -> list[pathlib.Path]:
    return sorted((folders.site(place) / "etc").iterdir())


def read(folders: Folders, place: Place, name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(folders.site(place) / "etc" / name)
    return parser


@pytest.mark.parametrize("place", [SITE_A, SITE_B], ids=lambda place: place.name)
def test_only_the_storage_backend_knows_the_other_site(folders: Folders, place: Place) -> None:
    configure(place, folders)
    other = SITE_B if place is SITE_A else SITE_A
    knowing = [path.name for path in files(folders, place) if other.address in path.read_text()]
    assert knowing == ["cinder.conf"]
    backend = read(folders, place, "cinder.conf")[place.array]
    assert [key for key, value in backend.items() if other.address in value] == [
        "replication_device"
    ]


def test_engines_of_a_site_have_names_of_their_own(folders: Folders) -> None:
    configure(SITE_B, folders)
    names = ("protector.conf", "protector-engine-2.conf")
    hosts = [read(folders, SITE_B, name)["engine"]["host"] for name in names]
    assert hosts == ["site-b-host", "site-b-host-2"]


def test_every_placeholder_is_filled_in(folders: Folders) -> None:
    configure(SITE_A, folders)
    assert [path.name for path in files(folders, SITE_A) if "${" in path.read_text()] == []


def test_files_with_secrets_are_the_owners_alone(folders: Folders) -> None:
    configure(SITE_A, folders)
    public = {
        path.name
        for path in files(folders, SITE_A)
        if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO)
    }
    assert public <= {"api-paste.ini"}


def test_a_second_start_keeps_the_keys(folders: Folders) -> None:
    configure(SITE_A, folders)
    key = folders.site(SITE_A) / "state" / "fernet" / "1"
    before = key.read_bytes()
    configure(SITE_A, folders)
    assert key.read_bytes() == before


def test_two_sites_never_share_a_key(folders: Folders) -> None:
    configure(SITE_A, folders)
    configure(SITE_B, folders)
    sites = [folders.site(place) for place in (SITE_A, SITE_B)]
    keys = {(site / "state" / "fernet" / "1").read_bytes() for site in sites}
    assert len(keys) == 2


def test_cinder_lets_a_member_manage_and_unmanage(folders: Folders) -> None:
    configure(SITE_A, folders)
    rules = yaml.safe_load((folders.site(SITE_A) / "etc" / "cinder-policy.yaml").read_text())
    assert rules == {
        "volume_extension:volume_manage": "rule:admin_or_owner",
        "volume_extension:volume_unmanage": "rule:admin_or_owner",
        "volume_extension:services:index": "rule:admin_or_owner",
    }


def test_services_notify_where_protector_listens(folders: Folders) -> None:
    configure(SITE_A, folders)
    broker = read(folders, SITE_A, "protector.conf")["notifications"]["transport_url"]
    for name in ("nova.conf", "neutron.conf", "cinder.conf"):
        service = read(folders, SITE_A, name)
        assert service["oslo_messaging_notifications"]["driver"] == "messagingv2"
        assert service["DEFAULT"]["transport_url"] == broker


def test_tables_made_by_other_versions_are_not_used(folders: Folders) -> None:
    before = schemas.template(folders)
    folders.lock.write_text("nova==35.0.0\n")
    assert schemas.template(folders) != before


def test_there_is_a_cloud_for_every_role_at_both_sites(folders: Folders) -> None:
    clouds.write(folders)
    found = yaml.safe_load(folders.clouds_yaml.read_text())["clouds"]
    assert set(found) == {
        f"{site}{role}" for site in ("site-a", "site-b") for role in ("", "-admin", "-rival")
    }
    assert found["site-b"]["auth"]["auth_url"] == "http://127.0.2.1:5000/v3"
    assert "OS_USERNAME=alice" in (folders.state / "site-a-openrc").read_text()
