"""Regulatory reports as typed rows, and evidence packs. Reads all lower layers and stores little of
its own."""
