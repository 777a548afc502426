select
    rule_id,
    subject,
    amount,
    unit,
    cause,
    evidence
from {{ ref('int_funpot__topups_broken') }}
union all
select
    rule_id,
    subject,
    amount,
    unit,
    cause,
    evidence
from {{ ref('int_funpot__stakes_broken') }}
union all
select
    rule_id,
    subject,
    amount,
    unit,
    cause,
    evidence
from {{ ref('int_funpot__rewards_broken') }}
union all
select
    rule_id,
    subject,
    amount,
    unit,
    cause,
    evidence
from {{ ref('int_funpot__refunds_broken') }}
union all
select
    rule_id,
    subject,
    amount,
    unit,
    cause,
    evidence
from {{ ref('int_funpot__bonuses_broken') }}
