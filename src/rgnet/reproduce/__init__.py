"""The paper's tables and figures, run again on any rated photos."""
