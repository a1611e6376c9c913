"""Settings: ``dev``, ``prod`` and ``test`` over one ``base``, fed by one reader, ``env``."""
