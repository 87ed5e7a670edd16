"""Cameras and scenes whose truth is known."""
