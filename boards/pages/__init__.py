"""Pages of boards, tasks and board groups."""
