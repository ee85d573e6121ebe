"""From a YAML file to a Model, with messages for people."""
