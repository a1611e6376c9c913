"""People besides the operator: accounts with a password, made as whoever runs the product does."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.story.product import Product

PASSWORD = "a long enough passphrase 7"
_MAKE = """
from orgs.services import users
for name in {names!r}:
    users.create_password_user(
        username=name, password={password!r}, email=name + "@people.example",
        email_verified=True, is_super_admin=False,
        name="" if name == "nameless" else name.capitalize() + " Okafor",
    )
"""


def make(product: Product, *names: str) -> dict[str, str]:
    """Accounts by name, each with its verified address; one process for all of them."""
    done = product.manage("shell", "-c", _MAKE.format(names=names, password=PASSWORD))
    assert done.returncode == 0, done.stderr
    return {name: f"{name}@people.example" for name in names}


def sign_in(page: Page, name: str, *, password: str = PASSWORD) -> None:
    """Sign in by name and password."""
    page.goto("/sign-in")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in with a password").click()
    expect(page).not_to_have_url(re.compile("/sign-in$"))
