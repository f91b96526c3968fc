#include "server/base/record.h"

#include <string.h>

#include <libdeflate.h>

void record_begin(struct sn_wr *w, uint8_t version)
{
	sn_wr_u8(w, version);
}

void record_finish(struct sn_wr *w)
{
	if (!w->bad)
		sn_wr_u32(w, libdeflate_crc32(0, w->p, w->n));
}

enum sn_err record_open(
    struct sn_bytes value, uint8_t version, struct sn_rd *out)
{
	struct sn_rd tail;
	size_t n;

	if (value.n < RECORD_OVERHEAD)
		return (SN_ECORRUPT);
	n = value.n - RECORD_CHECKSUM;
	tail = sn_rd_over((const uint8_t *)value.p + n, RECORD_CHECKSUM);
	if (sn_rd_u32(&tail) != libdeflate_crc32(0, value.p, n))
		return (SN_ECORRUPT);
	*out = sn_rd_over(value.p, n);
	if (sn_rd_u8(out) > version)
		return (SN_ENEWER);
	return (SN_OK);
}
