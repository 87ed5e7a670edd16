"""The local page: see the sets of a folder, choose how they look, make their pictures; and the same for programs."""
