"""Gateways: how Mission Control reaches OpenClaw gateways and what they report."""
