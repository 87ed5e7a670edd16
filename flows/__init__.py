"""When the loop runs and what happens after: Prefect flows around `dvc repro` and the registry."""
