"""The registered model as MLflow loads and serves it."""
