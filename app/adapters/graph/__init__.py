"""Where the knowledge graph of all papers is kept."""
