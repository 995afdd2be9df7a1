"""Training: from rated photos to a model file.

recipes, overrides      what decides a run, and `--set`
data, losses, module    batches, what is minimised, and the step that Lightning drives
start                   the weights that training begins with
callbacks, checkpoints  what happens between epochs, and what is kept
fit, trainer, processes one network trained to its end, over one process or several
train, card             the whole run of `rgnet train`, and the model file
distill                 a backbone taught by another one
"""
