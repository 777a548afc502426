select
    board,
    title,
    unit,
    'competition' as tie_rule,
    0 as minimum_weight
from (
    values
    ('owner_released', 'Owners by what was released to them', 'nanoTON'),
    ('owner_deals', 'Owners by deals whose price reached escrow', 'deals'),
    ('channel_released', 'Channels by what their posts released', 'nanoTON'),
    ('channel_deals', 'Channels by deals whose price reached escrow', 'deals'),
    ('advertiser_spend', 'Advertisers by what went to owners and commissions', 'nanoTON'),
    ('advertiser_deals', 'Advertisers by deals whose price reached escrow', 'deals')
) as boards (board, title, unit)
