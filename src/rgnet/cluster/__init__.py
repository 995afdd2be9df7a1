"""Scoring on many machines: a frozen list of photos, cut into parts that Ray's workers score and write."""
