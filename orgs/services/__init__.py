"""Every change of people and organizations."""
