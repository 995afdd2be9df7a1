"""Exams: a model's scores against what people said."""
