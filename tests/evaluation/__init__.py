"""`make eval`: what the stages find in papers, against what is known to be true of them."""
