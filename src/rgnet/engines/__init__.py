"""Engines run a model file's network: the same weights, whatever computes them. `registry.open_engine` opens one."""
