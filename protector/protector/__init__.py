# SPDX-License-Identifier: Apache-2.0
from oslo_service import backend

# Before anything of oslo is imported that asks: without a choice it would be eventlet.
backend.register_backend_default_hook(lambda: backend.BackendType.THREADING)
