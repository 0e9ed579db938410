"""What the ports need from the world: a folder a port, its implementations side by side."""
