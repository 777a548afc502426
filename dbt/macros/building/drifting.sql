{# The accounts that the published reconciliation says differ, as a query; none where there is none yet. A mart that is
   about to be built cannot be asked by `ref` what it held. #}
{% macro accounts_published_as_drifting() -%}
    {%- set published = adapter.get_relation(target.database, "marts", "balance_reconciliation") if execute -%}
    select
        system,
        account_id,
        unit
    {% if published -%}
    from {{ published }}
    where status = 'differs'
    {%- else -%}
    from (values ('', '', '')) as nothing (system, account_id, unit)
    where false
    {%- endif -%}
{%- endmacro %}
