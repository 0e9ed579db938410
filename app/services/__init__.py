"""What the service does, in terms of the ports alone."""
