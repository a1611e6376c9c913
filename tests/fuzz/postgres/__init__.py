"""A database backend that takes back everything that one generated case did."""
