"""Graphs of ONNX: traced, extended and changed."""
