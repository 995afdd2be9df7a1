"""Photo files to upright sRGB pixels and network input, in processes that may crash."""
