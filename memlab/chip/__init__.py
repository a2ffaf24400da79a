"""What a chip may see, alone and in combination, and under which load it is read."""
