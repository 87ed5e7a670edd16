"""Programs that other software calls, by our means: `enfuse` and `align_image_stack`, with their options."""
