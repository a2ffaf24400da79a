"""The wire between host and board, without any I/O: bytes go in, events come out."""
