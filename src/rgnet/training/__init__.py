"""Training, from what to how: recipes, losses, task (the network's steps), data (the batches), loop (Lightning),
checkpoints, report, processes; run (one command's work) and card (its model file)."""
