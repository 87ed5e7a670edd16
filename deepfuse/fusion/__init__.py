"""Aligned frames and a network → the fused picture: luma by strips, colour, the look."""
