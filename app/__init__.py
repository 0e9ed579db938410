"""Paper Processing: papers in, knowledge out, every step told live."""
