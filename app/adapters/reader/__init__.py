"""Reading a file: in a child process, or in this one."""
