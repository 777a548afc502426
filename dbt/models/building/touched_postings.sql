{{ union_touched('postings', ['tx_ref'], ['advert_market']) }}
