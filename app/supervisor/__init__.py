"""What `paper-processing serve` does: starts the processes of one machine, keeps them alive, and ends with them."""
