# SPDX-License-Identifier: Apache-2.0
"""The driver of this site's array, as configured."""

from oslo_config import cfg
from stevedore import driver

from protector.storage.base import StorageDriver

NAMESPACE = "protector.storage"


def load(conf: cfg.ConfigOpts) -> StorageDriver:
    """Return the driver that ``[storage] driver`` names, made from its own group of options."""
    factory = driver.DriverManager(NAMESPACE, conf.storage.driver).driver
    loaded: StorageDriver = factory.from_conf(conf)
    return loaded
