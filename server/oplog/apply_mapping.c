#include "server/oplog/apply_mapping.h"

#include <string.h>

#include "lib/subject.h"
#include "server/oplog/db.h"

static bool is_key(struct sn_bytes key)
{
	const uint8_t *p = key.p;

	if (key.n < 2)
		return (false);
	if (p[0] == SN_SUBJECT_DN)
		return (key.n == 1 + SN_SUBJECT_DIGEST);
	return (p[0] == SN_SUBJECT_CN || p[0] == SN_SUBJECT_SAN_URI);
}

enum sn_err apply_subject_map(struct sn_txn *txn, const struct op *op)
{
	const struct mapping *m = &op->subject_map;
	struct account a;
	uint64_t id;
	enum sn_err err;

	if (!is_key(mapping_key(m)))
		return (SN_EINVAL);
	if ((err = account_get(txn, m->account, &a)) != SN_OK)
		return (err);
	if (a.state == ACCOUNT_DELETED)
		return (SN_ENOTFOUND);
	err = db_get_u64(txn, DB_SUBJECTS, mapping_key(m), &id);
	if (err == SN_OK)
		return (SN_EEXISTS);
	if (err != SN_ENOTFOUND)
		return (err);

	if ((err = mapping_put(txn, m)) != SN_OK)
		return (err);
	return (db_put_u64(txn, DB_SUBJECTS, mapping_key(m), m->account));
}

enum sn_err apply_subject_unmap(struct sn_txn *txn, const struct op *op)
{
	struct mapping m = { .account = op->subject_unmap.account };
	struct sn_bytes key = op->subject_unmap.key;
	enum sn_err err;

	if (key.n == 0 || key.n > sizeof(m.key))
		return (SN_ENOTFOUND);
	memcpy(m.key, key.p, key.n);
	m.key_len = key.n;
	/* Nothing has changed when this row, which comes first, is not there. */
	if ((err = mapping_delete(txn, &m)) != SN_OK)
		return (err);
	return (apply_must(sn_txn_delete(txn, DB_SUBJECTS, key)));
}
