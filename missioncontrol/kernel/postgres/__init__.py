"""PostgreSQL as Django has it, with a health check that a busy connection is spared."""
