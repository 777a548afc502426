"""From landing files to partitioned Postgres: contracts, server, loading and the sample. No Dagster, no dbt."""
