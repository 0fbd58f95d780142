"""Frozen networks by ONNX Runtime on a CPU; PyTorch stays the reference, trains, and answers where it cannot."""
