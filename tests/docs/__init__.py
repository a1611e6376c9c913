"""The guides are true: their examples run."""
