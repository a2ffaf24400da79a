"""Ports and chips: transports, chip codecs and the `Board` seam."""
