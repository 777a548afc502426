{{ config(
    indexes=[{'columns': ['owner_id']}],
    meta={'scope': {'columns': ['system', 'deal_id'], 'listed_as': ['system', 'contest_id'], 'keys': 'touched_contests'}}
) }}
-- depends_on: {{ ref('touched_contests') if target.type != 'duckdb' }}

select
    'advert_market'::text as system,
    deal_id,
    channel_id,
    advertiser_id,
    owner_id,
    deal_status,
    unit,
    price,
    escrowed,
    owner_share,
    commission,
    commission_rate_bp,
    commission_by_rule,
    refunded,
    refund_due,
    swept,
    paid_out,
    paid_on_chain,
    escrow_held,
    commission_unswept,
    owner_pending,
    payout_unconfirmed,
    escrowed_at,
    settled_at
from {{ ref('int_advert_market__deal_money') }}
where {{ is_open("'advert_market'") }}
