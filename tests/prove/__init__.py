"""Deletes every place that publishes, one after the other, and shows which test notices. See docs/proof.md."""
