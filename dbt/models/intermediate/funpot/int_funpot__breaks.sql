{% for name in ['topups_broken', 'stakes_broken', 'rewards_broken', 'refunds_broken', 'bonuses_broken'] %}
    select
        rule_id,
        subject,
        amount,
        unit,
        cause,
        broken_since,
        evidence
    from {{ ref('int_funpot__' ~ name) }}
    {% if not loop.last %}union all{% endif %}
{% endfor %}
