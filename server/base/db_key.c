#include "server/base/db_key.h"

enum sn_err db_u64(struct sn_bytes value, uint64_t *out)
{
	struct sn_rd r = sn_rd_over(value.p, value.n);

	*out = sn_rd_u64(&r);
	return (sn_rd_end(&r) ? SN_OK : SN_ECORRUPT);
}
