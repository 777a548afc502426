{{ union_touched('contests', ['contest_id'], ['funpot', 'advert_market']) }}
