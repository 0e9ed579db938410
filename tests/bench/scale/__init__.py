"""How what the service costs grows: with sockets, idle sockets, papers, events a second and workers."""
