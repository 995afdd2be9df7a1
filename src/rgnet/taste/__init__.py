"""A person's own ratings: where they come from, and how well a model's scores predict them."""
