{{ union_touched('contests', ['contest_id'], ['advert_market']) }}
