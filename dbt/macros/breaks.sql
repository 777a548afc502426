{# What an open break names, as a relation: its subject, and the posting that it is of, else the deal. #}
{% macro names_of_break(breaks) -%}
    (
        values
        ({{ breaks }}.subject),
        (coalesce(
            {{ breaks }}.evidence ->> 'entry_id', {{ breaks }}.evidence ->> 'tx_ref', {{ breaks }}.evidence ->> 'deal_id'
        ))
    )
{%- endmacro %}
