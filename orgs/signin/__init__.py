"""Who somebody is, as another service says it: signed tokens, keys, provider addresses."""
