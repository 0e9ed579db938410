"""What the suite stands on."""
