"""How well a model's scores agree with people's ratings: one model, or two compared."""
