"""Generated calls of every operation of the document, against a running installation."""
