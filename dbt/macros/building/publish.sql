{# The end of a build: every mart changes at the same moment, or none does. #}

{# On run end. A model or test that failed leaves everything as it was. So does a build of some marts only: the others
   would never see what changed in those. #}
{% macro publish(results) %}
    {% if execute and target.type != "duckdb" and flags.WHICH in ("build", "run") %}
        {% set failed = results | rejectattr("status", "in", ["success", "pass", "warn", "no-op"]) | list %}
        {% set built = results | map(attribute="node") | selectattr("config.materialized", "equalto", "mart")
            | map(attribute="name") | list %}
        {% if built | length < marts() | length %}
            {% do log("Nothing is published: " ~ built | length ~ " of " ~ marts() | length ~ " marts were built.", info=true) %}
        {% elif not failed %}
            {% do _refuse_unjudged_rows() %}
            {% set replaced = _replaced() %}
            {% do run_query(_proof(built) if env_var("TALLY_PROVE", "") else _publication(replaced)) %}
            {# Left to the server it happens within the minute, beside the next build, which then takes twice as long. #}
            {% for name in replaced %}
                {% call statement(auto_begin=false) %} vacuum (analyze) marts.{{ name }} {% endcall %}
            {% endfor %}
        {% endif %}
    {% endif %}
{% endmacro %}

{# Models read rows as they are when each model's turn comes. If a system that is not held has loads that no gate judged,
   or that came after the build began, some marts may hold them: then nothing is published. #}
{% macro _refuse_unjudged_rows() %}
    {% set late %}
        select loads.system, count(*) as files
        from ingest.loads
        left join building.loads as begun
            on loads.load_id = begun.load_id and begun.replayed_at is not distinct from loads.replayed_at
        left join audit.judged_loads as judged
            on loads.load_id = judged.load_id and judged.replayed_at is not distinct from loads.replayed_at
        where
            loads.status = 'loaded'
            and {{ is_open("loads.system") }}
            and (begun.load_id is null or judged.load_id is null)
        group by loads.system
        order by loads.system
    {% endset %}
    {% for row in run_query(late).rows %}
        {% do exceptions.raise_compiler_error(
            "Nothing is published: " ~ row[1] ~ " files of " ~ row[0] ~ " have no verdict, or were loaded while the marts"
            ~ " were built; run `tally run` again."
        ) %}
    {% endfor %}
{% endmacro %}

{% macro _publication(replaced) %}
    {{ hold_readers(replaced) }}
    {% for node in marts() %}
        {%- set name = node.name -%}
        {% if name in replaced %}
            {{ replace_view(name, "select * from building." ~ name ~ "__whole") }};
            {%- set kinds = run_query("select relkind from pg_class where oid = to_regclass('marts." ~ name ~ "')").columns[0].values() %}
            {% if kinds %}drop {{ {"v": "view"}.get(kinds[0], "table") }} marts.{{ name }} cascade;{% endif %}
            alter table building.{{ name }}__whole set schema marts;
            alter table marts.{{ name }}__whole rename to {{ name }};
            grant select on marts.{{ name }} to tally_analyst;
        {% else %}
            delete from marts.{{ name }} as published using building.{{ name }}__gone as gone
            where {{ same_key(primary_key(node), "gone", "published") }};
            insert into marts.{{ name }} ({{ mart_columns(node) }}) select {{ mart_columns(node) }} from building.{{ name }}__new;
            {{ replace_view(name, "select * from marts." ~ name) }};
            drop table building.{{ name }}__new, building.{{ name }}__gone;
        {% endif %}
    {% endfor %}
    {{ _remember() }}
    commit
{% endmacro %}

{# The marts that were built whole: each takes the place of the one that is published. #}
{% macro _replaced() %}
    {% set whole = run_query(
        "select left(relname, -length('__whole')) from pg_class"
        ~ " where relnamespace = 'building'::regnamespace and relkind = 'r' and relname ~ '__whole$' order by 1"
    ) %}
    {{ return(whole.columns[0].values() | list) }}
{% endmacro %}

{# What the marts hold now. A held system's loads stay pending. #}
{% macro _remember() %}
    insert into audit.built_loads (load_id, replayed_at)
    select load_id, replayed_at from building.loads
    where is_pending and {{ is_open("system") }}
    on conflict (load_id) do update set replayed_at = excluded.replayed_at, built_at = excluded.built_at;
    insert into audit.built_systems (system, fingerprint)
    select system, fingerprint from building.systems
    where {{ is_open("system") }}
    on conflict (system) do update set fingerprint = excluded.fingerprint, built_at = excluded.built_at;
    comment on schema marts is '{{ project_fingerprint() }}';
{% endmacro %}

{# Instead of publishing: how far the published marts of the system that TALLY_PROVE names are from a whole build. #}
{% macro _proof(built) %}
    {%- set system = env_var("TALLY_PROVE") -%}
    {% for name in built %}
        insert into audit.build_proofs (system, mart, rows_missing, rows_surplus)
        select
            '{{ system }}',
            '{{ name }}',
            (select count(*) from building.{{ name }}__new where system = '{{ system }}'),
            (select count(*) from building.{{ name }}__gone where system = '{{ system }}');
        {{ replace_view(name, "select * from marts." ~ name) }};
        drop table building.{{ name }}__new, building.{{ name }}__gone;
    {% endfor %}
    commit
{% endmacro %}
