{{ union_touched('contests', ['contest_id'], ['funpot', 'hermes', 'advert_market']) }}
