#include "server/gate/subject_key.h"

#include <string.h>

static void put(
    enum sn_subject_rule rule, const void *p, size_t n, struct subject_key *out)
{
	struct sn_wr w = sn_wr_over(out->bytes, sizeof(out->bytes));

	sn_wr_u8(&w, (uint8_t)rule);
	sn_wr_put(&w, p, n);
	out->len = w.n;
}

void subject_key(const struct sn_subject_key *from, struct subject_key *out)
{
	put(from->rule, from->bytes, from->len, out);
}

void subject_key_of_name(
    enum sn_subject_rule rule, struct sn_bytes name, struct subject_key *out)
{
	put(rule, name.p, name.n, out);
}

void subject_key_of_digest(
    const uint8_t digest[SN_SUBJECT_DIGEST], struct subject_key *out)
{
	put(SN_SUBJECT_DN, digest, SN_SUBJECT_DIGEST, out);
}

struct sn_bytes subject_key_bytes(const struct subject_key *key)
{
	return ((struct sn_bytes){ key->bytes, key->len });
}
