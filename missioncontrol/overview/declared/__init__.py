"""An organization as one file that people write: what it should be, compared with what it is.

Boards are known by their key, the rest by name, slug or field key. What the file does not mention
stays as it is, unless pruning is asked for.
"""
