"""Programs that measure the figures of the design; they print tables and judge nothing by time alone."""
