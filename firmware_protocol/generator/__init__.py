"""Turns spec/mlp.toml into Python, C, documentation and golden vectors."""
