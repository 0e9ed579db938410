"""Where papers, their events and their outputs are kept."""
