"""Changes around the event log, one module for each subject."""
