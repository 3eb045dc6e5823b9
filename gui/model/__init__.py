"""What the window shows, without any widget: runs as they grow, and the curves in them."""
