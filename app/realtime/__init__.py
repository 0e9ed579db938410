"""WebSockets: the hub of this process, its connections, and what they speak."""
