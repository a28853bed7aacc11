"""The platform is the code that any event-sourced shop needs; it imports no context of this one."""
