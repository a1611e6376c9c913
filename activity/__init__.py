"""What happened: the event log, its delivery, and the audit chain."""
