"""Commands of accounts and configuration."""
