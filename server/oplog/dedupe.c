#include "server/oplog/dedupe.h"

struct dedupe_key dedupe_key(const uint8_t id[SN_FRAME_ID], uint64_t sender)
{
	struct dedupe_key key;
	struct sn_wr w = sn_wr_over(key.bytes, sizeof(key.bytes));

	sn_wr_put(&w, id, SN_FRAME_ID);
	sn_wr_u64(&w, sender);
	return (key);
}
