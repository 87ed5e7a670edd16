"""The stages of dvc.yaml: each reads params, calls the domain, writes its outputs."""
