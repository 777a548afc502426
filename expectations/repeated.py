"""Keys that must be unique and that no constraint of Postgres can hold: the query of those that more than one row has.

A partitioned table is unique within a month at best, and where the source's constraint is a plain index here, both rows
are kept for the rule to show.
"""


def repeated(table: str, key: str, subject: str, happened_at: str, scope_key: str = "") -> str:
    """The query of the keys of `table` that several rows have; `key` names its columns, and a null is no key.

    `subject` is an expression over `repeated`, the key. Repeated keys are found first, which an index that begins with
    the key answers alone; only their rows are looked at. With a `scope_key`, only keys in scope are asked about.
    """
    columns = key.split(", ")
    conditions = [f"{column} is not null" for column in columns] + ([f"in_scope({scope_key})"] if scope_key else [])
    same = " and ".join(f"rows.{column} = repeated.{column}" for column in columns)
    return f"""
        select {subject} as subject, null::numeric as amount,
            jsonb_build_object('rows', repeated.rows, 'loads', found.loads) as evidence,
            found.last_at as happened_at
        from (
            select {key}, count(*) as rows
            from {table}
            where {" and ".join(conditions)}
            group by {key}
            having count(*) > 1
        ) as repeated
        cross join lateral (
            select max({happened_at}) as last_at, array_agg(distinct _load_id) as loads
            from {table} as rows
            where {same}
        ) as found
    """  # noqa: S608 - no outside input
