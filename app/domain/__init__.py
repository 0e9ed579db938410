"""What the project is about, with no input or output and no framework."""
