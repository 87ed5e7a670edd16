"""Patches → a trained network."""
