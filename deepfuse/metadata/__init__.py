"""What a photo file tells besides its pixels: read once when it is opened, and handed on to the fused picture."""
