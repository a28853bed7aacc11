"""What any event-sourced shop needs, and no context of this one."""
