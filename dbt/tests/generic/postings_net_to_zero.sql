{# Fails with every group of `by` whose amounts, which may be any expression, do not add up to zero. #}
{% test postings_net_to_zero(model, by, amount="amount") %}

select
    {{ by | join(', ') }},
    sum({{ amount }}) as imbalance
from {{ model }}
group by {{ by | join(', ') }}
having sum({{ amount }}) <> 0

{% endtest %}
