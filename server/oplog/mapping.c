#include "server/oplog/mapping.h"

#include <string.h>

#include "server/base/record.h"
#include "server/oplog/db.h"

#define VERSION 1

struct row_key {
	uint8_t bytes[8 + MAPPING_KEY_MAX];
	size_t n;
};

static struct sn_bytes row_key(const struct mapping *m, struct row_key *out)
{
	struct sn_wr w = sn_wr_over(out->bytes, sizeof(out->bytes));

	sn_wr_u64(&w, m->account);
	sn_wr_put(&w, m->key, m->key_len);
	out->n = w.n;
	return ((struct sn_bytes){ out->bytes, out->n });
}

struct sn_bytes mapping_key(const struct mapping *m)
{
	return ((struct sn_bytes){ m->key, m->key_len });
}

void mapping_write(struct sn_wr *w, const struct mapping *m)
{
	sn_wr_blob(w, mapping_key(m));
	sn_wr_u64(w, m->time);
	sn_wr_blob(w, sn_bytes_of(m->text));
	sn_wr_blob(w, sn_bytes_of(m->name));
}

void mapping_read(struct sn_rd *r, struct mapping *m)
{
	struct sn_bytes key = sn_rd_blob(r);

	if (r->bad || key.n == 0 || key.n > sizeof(m->key)) {
		r->bad = true;
		return;
	}
	memcpy(m->key, key.p, key.n);
	m->key_len = key.n;
	m->time = sn_rd_u64(r);
	sn_rd_text(r, m->text, sizeof(m->text));
	sn_rd_text(r, m->name, sizeof(m->name));
}

enum sn_err mapping_parse(
    struct sn_bytes key, struct sn_bytes value, struct mapping *out)
{
	struct sn_rd at = sn_rd_over(key.p, key.n), r;
	enum sn_err err;

	if ((err = record_open(value, VERSION, &r)) != SN_OK)
		return (err);
	out->account = sn_rd_u64(&at);
	mapping_read(&r, out);
	if (at.bad || !sn_rd_end(&r) ||
	    !sn_bytes_equal(
		mapping_key(out), (struct sn_bytes){ at.p, at.left }))
		return (SN_ECORRUPT);
	return (SN_OK);
}

enum sn_err mapping_get(
    struct sn_txn *txn, uint64_t account, struct sn_bytes key)
{
	struct mapping m = { .account = account };
	struct sn_bytes at, value;
	struct row_key row;
	enum sn_err err;

	if (key.n > sizeof(m.key))
		return (SN_ENOTFOUND);
	memcpy(m.key, key.p, key.n);
	m.key_len = key.n;
	at = row_key(&m, &row);
	if ((err = sn_txn_get(txn, DB_MAPPINGS, at, &value)) != SN_OK)
		return (err);
	return (mapping_parse(at, value, &m));
}

enum sn_err mapping_next(struct sn_txn *txn, struct mapping *m, bool *found)
{
	struct sn_bytes start, key, value;
	struct row_key from;
	struct sn_cursor *c;
	enum sn_err err;

	start = row_key(m, &from);
	*found = false;
	if ((err = sn_cursor_open(txn, DB_MAPPINGS, &c)) != SN_OK)
		return (err);
	err = sn_cursor_seek(c, start, &key, &value);
	if (err == SN_OK && sn_bytes_equal(key, start))
		err = sn_cursor_next(c, &key, &value);
	if (err == SN_OK) {
		*found = true;
		err = mapping_parse(key, value, m);
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

enum sn_err mapping_put(struct sn_txn *txn, const struct mapping *m)
{
	uint8_t space[1280];
	struct sn_wr w = sn_wr_over(space, sizeof(space));
	struct row_key key;

	record_begin(&w, VERSION);
	mapping_write(&w, m);
	record_finish(&w);
	if (w.bad)
		return (SN_EBUG);
	return (sn_txn_put(txn, DB_MAPPINGS, row_key(m, &key),
	    (struct sn_bytes){ space, w.n }));
}

enum sn_err mapping_delete(struct sn_txn *txn, const struct mapping *m)
{
	struct row_key key;

	return (sn_txn_delete(txn, DB_MAPPINGS, row_key(m, &key)));
}
