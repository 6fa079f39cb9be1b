"""Regulatory reports as typed rows, and evidence packs. Reads every layer below, owns little."""
