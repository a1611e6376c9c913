"""The real gateway for this folder; ``make test-gateway`` runs it."""

from tests.gateway.ground import ground
from tests.rig.fixtures import real_gateway, rig, subject

__all__ = ["ground", "real_gateway", "rig", "subject"]
