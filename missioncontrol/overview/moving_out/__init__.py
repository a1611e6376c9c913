"""Moving out: one organization as a folder of text files, and back into another installation.

Secrets do not leave: gateways and webhooks are given theirs again, agents get new tokens. What an
installation knows only for itself (leases, work under way, contact with gateways) stays behind.
The same organization always makes the same bytes.
"""
