"""Programs that stand in for the real children of `serve`, so that its own doings can be seen by themselves."""
