"""Weights for use without Python: the network as ONNX, and a page that samples with it."""
