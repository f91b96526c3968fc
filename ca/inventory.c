#include "ca/inventory.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "lib/algorithms.h"

#define SEAL_BYTES 8
#define MAP_BYTES (UINT64_C(8) << 30)
#define READERS 512

static const struct sn_store_table tables[TABLE_COUNT] = {
	[TABLE_META] = { .name = "meta" },
	[TABLE_ISSUER] = { .name = "issuer" },
	[TABLE_CERTIFICATE] = { .name = "certificate" },
	[TABLE_DEVICE] = { .name = "device" },
	[TABLE_ACCOUNT] = { .name = "account" },
	[TABLE_EXPIRY] = { .name = "expiry" },
	[TABLE_REVOKED] = { .name = "revoked" },
	[TABLE_FINGERPRINT] = { .name = "fingerprint" },
	[TABLE_INTENT] = { .name = "intent" },
	[TABLE_CRL] = { .name = "crl" },
	[TABLE_AUDIT] = { .name = "audit" },
	[TABLE_DUE] = { .name = "due", .later = true },
};

static const struct sn_store_options options = {
	.map_size = MAP_BYTES,
	.max_readers = READERS,
	.tables = tables,
	.table_count = TABLE_COUNT,
};

enum sn_err inventory_create(
    const char *dir, struct sn_store **out, struct sn_why *why)
{
	struct sn_store_options o = options;

	o.dir = dir;
	return (sn_store_open(&o, out, why));
}

/* A meta page can claim more than there is address space for. */
static bool claims_too_much(const char *dir)
{
	char path[PATH_MAX];
	struct stat st;
	void *map;

	(void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
	if (stat(path, &st) != 0 || (uint64_t)st.st_size > MAP_BYTES)
		return (false);
	map = mmap(NULL, MAP_BYTES, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return (false);
	(void)munmap(map, MAP_BYTES);
	return (true);
}

enum sn_err inventory_open(
    const char *dir, bool read_only, struct sn_store **out, struct sn_why *why)
{
	struct sn_store_options o = options;
	enum sn_err err;

	o.dir = dir;
	o.read_only = read_only;
	o.must_exist = true;
	err = sn_store_open(&o, out, why);
	if (err == SN_ENOTFOUND && read_only) {
		/* Books of an older version: what they lack is made first. */
		o.read_only = false;
		if ((err = sn_store_open(&o, out, why)) != SN_OK)
			return (err);
		sn_store_close(*out);
		o.read_only = true;
		err = sn_store_open(&o, out, why);
	}
	if (err == SN_ENOMEM && claims_too_much(dir))
		return (sn_why(why, SN_ECORRUPT,
		    "the inventory in %s is damaged: it claims to be larger "
		    "than any; run sicher-ca check",
		    dir));
	return (err);
}

const char *inventory_table_name(unsigned table)
{
	return (table < TABLE_COUNT ? tables[table].name : "unknown");
}

static enum sn_err seal(enum inventory_table table, struct sn_bytes key,
    struct sn_bytes value, uint8_t out[SEAL_BYTES])
{
	uint8_t head[3] = { (uint8_t)table, (uint8_t)(key.n >> 8),
		(uint8_t)key.n };
	uint8_t full[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok;

	ok = c != NULL &&
	     EVP_DigestInit_ex(c, sn_algorithms_sha256(), NULL) == 1 &&
	     EVP_DigestUpdate(c, head, sizeof(head)) == 1 &&
	     EVP_DigestUpdate(c, key.p, key.n) == 1 &&
	     EVP_DigestUpdate(c, value.p, value.n) == 1 &&
	     EVP_DigestFinal_ex(c, full, NULL) == 1;
	EVP_MD_CTX_free(c);
	if (!ok)
		return (SN_ECRYPTO);
	memcpy(out, full, SEAL_BYTES);
	return (SN_OK);
}

enum sn_err inventory_unseal(
    enum inventory_table table, struct sn_bytes key, struct sn_bytes *value)
{
	uint8_t want[SEAL_BYTES];
	const uint8_t *p = value->p;
	struct sn_bytes inner;
	enum sn_err err;

	if (value->n < SEAL_BYTES)
		return (SN_ECORRUPT);
	inner = (struct sn_bytes){ p, value->n - SEAL_BYTES };
	if ((err = seal(table, key, inner, want)) != SN_OK)
		return (err);
	if (memcmp(want, p + inner.n, SEAL_BYTES) != 0)
		return (SN_ECORRUPT);
	*value = inner;
	return (SN_OK);
}

enum sn_err inventory_get(struct sn_txn *txn, enum inventory_table table,
    struct sn_bytes key, struct sn_bytes *value)
{
	enum sn_err err;

	if ((err = sn_txn_get(txn, table, key, value)) != SN_OK)
		return (err);
	return (inventory_unseal(table, key, value));
}

typedef enum sn_err put_fn(
    struct sn_txn *, unsigned, struct sn_bytes, struct sn_bytes);

static enum sn_err put_sealed(put_fn *put, struct sn_txn *txn,
    enum inventory_table table, struct sn_bytes key, struct sn_bytes value)
{
	uint8_t *row;
	enum sn_err err;

	if ((row = malloc(value.n + SEAL_BYTES)) == NULL)
		return (SN_ENOMEM);
	if (value.n > 0)
		memcpy(row, value.p, value.n);
	if ((err = seal(table, key, value, row + value.n)) == SN_OK)
		err = put(txn, table, key,
		    (struct sn_bytes){ row, value.n + SEAL_BYTES });
	free(row);
	return (err);
}

enum sn_err inventory_put(struct sn_txn *txn, enum inventory_table table,
    struct sn_bytes key, struct sn_bytes value)
{
	return (put_sealed(sn_txn_put, txn, table, key, value));
}

enum sn_err inventory_insert(struct sn_txn *txn, enum inventory_table table,
    struct sn_bytes key, struct sn_bytes value)
{
	return (put_sealed(sn_txn_insert, txn, table, key, value));
}

enum sn_err inventory_number(
    struct sn_txn *txn, const char *name, int64_t absent, int64_t *out)
{
	struct sn_bytes value;
	struct sn_rd r;
	enum sn_err err;

	err = inventory_get(txn, TABLE_META, sn_bytes_of(name), &value);
	if (err == SN_ENOTFOUND) {
		*out = absent;
		return (SN_OK);
	}
	if (err != SN_OK)
		return (err);
	r = sn_rd_over(value.p, value.n);
	*out = (int64_t)sn_rd_u64(&r);
	return (sn_rd_end(&r) ? SN_OK : SN_ECORRUPT);
}

enum sn_err inventory_set_number(
    struct sn_txn *txn, const char *name, int64_t value)
{
	uint8_t b[8];
	struct sn_wr w = sn_wr_over(b, sizeof(b));

	sn_wr_u64(&w, (uint64_t)value);
	return (inventory_put(txn, TABLE_META, sn_bytes_of(name),
	    (struct sn_bytes){ b, sizeof(b) }));
}

enum sn_err inventory_why(
    const struct sn_store *store, enum sn_err err, struct sn_why *why)
{
	switch (err) {
	case SN_OK:
		return (SN_OK);
	case SN_ECORRUPT:
		return (sn_why(why, err,
		    "the inventory is damaged; run sicher-ca check, and "
		    "restore a backup if it cannot be mended"));
	case SN_ESTOREFULL:
		return (sn_why(why, err,
		    "no room to write the inventory; nothing was changed, "
		    "make room and run the command again"));
	default:
		return (sn_why(why, err, "the inventory: %s (%s)",
		    sn_err_text(err), sn_store_reason(store)));
	}
}
