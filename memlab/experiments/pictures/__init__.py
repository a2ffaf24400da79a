"""The pictures of experiments, beside what they draw."""
