"""How hints get to workers."""
