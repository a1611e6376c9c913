"""Moving in: everything that the original product's database holds becomes rows of this product.

Ids stay, so links, scripts and agents' addresses keep working; agents keep their tokens. A row that
is there already is left as it is, so the import may be repeated.
"""
