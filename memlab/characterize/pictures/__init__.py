"""The pictures of procedures, beside what they draw."""
