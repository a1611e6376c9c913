"""The reference pages, written from the code itself: ``make reference``."""
