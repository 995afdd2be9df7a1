"""Training: recipes (what), task (the loss and the optimiser), data (the batches), run (one command's work)."""
