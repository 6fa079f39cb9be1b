"""A synthetic portfolio with a catalogue of its own, to measure and try things on: `manage.py
seed_portfolio`.
"""
