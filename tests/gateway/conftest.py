"""The real gateway for this folder; ``make test-gateway`` runs it."""

from tests.rig.fixtures import real_gateway, subject

__all__ = ["real_gateway", "subject"]
