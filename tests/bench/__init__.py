"""Programs that measure the figures of the design and print tables."""
