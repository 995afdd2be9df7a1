"""Model files: card, weights and graph in one safetensors file, and where models are found."""
