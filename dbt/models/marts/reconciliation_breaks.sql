with balances as (

    select * from {{ ref('balance_reconciliation') }}
    where status = 'differs'

),

settlements as (

    select * from {{ ref('settlements') }}
    where status = 'differs'

),

breaks_found as (

    {{ union_open_systems(
        'breaks',
        ['rule_id', 'subject', 'amount', 'unit', 'cause', 'evidence'],
        ['funpot', 'advert_market', 'storyforge', 'synapse'],
    ) }}

),

final as (

    select
        system,
        case unit when 'INT' then 'A-01' when 'nanoTON' then 'C-04' when 'XP' then 'D-02' else 'D-03' end as rule_id,
        account_id as subject,
        drift as amount,
        unit,
        cause,
        {{ json_object({
            'recorded': 'recorded', 'ledger': 'ledger', 'first_divergent_at': instant_text('first_divergent_at'),
            'first_divergent_entry_id': 'first_divergent_entry_id', 'witness': 'witness'
        }) }} as evidence
    from balances
    union all
    select
        system,
        case system when 'funpot' then 'A-11' else 'C-09' end as rule_id,
        contest_id as subject,
        difference as amount,
        unit,
        'wrong payout' as cause,
        {{ json_object({'expected': 'payouts_expected', 'recorded': 'payouts_recorded'}) }} as evidence
    from settlements
    union all
    select * from breaks_found

)

select * from final
where {{ is_open('system') }}
