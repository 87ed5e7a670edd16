"""How good a fused picture is: one measure a file, all of them in `table.METRICS`."""
