"""What people are told: in the page, by e-mail, by webhook, in a chat."""
