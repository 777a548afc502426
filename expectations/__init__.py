"""What must hold of raw data: the rules, how they are run, and how their verdicts are told. No Dagster."""
