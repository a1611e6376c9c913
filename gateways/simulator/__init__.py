"""A gateway that needs no OpenClaw: speaks protocol 4, with scripted agents and faults.

``server.SimulatedGateway`` (asyncio), ``thread.SimulatedGatewayThread`` (for synchronous code),
``python -m gateways.simulator`` (a process of its own), ``faults.Faults``, ``worker.Worker``.
What it does, the real gateway has been seen to do: both answer the same conformance list.
"""
