#include "ca/issuer.h"

#include <stdio.h>
#include <string.h>

#include "ca/inventory.h"
#include "ca/ssl.h"
#include "lib/clock.h"

#define VERSION 1
#define ROW_BYTES 64
#define META_NEXT "next_issuer"

struct sn_bytes issuer_id_key(uint32_t id, uint8_t out[4])
{
	struct sn_wr w = sn_wr_over(out, 4);

	sn_wr_u32(&w, id);
	return ((struct sn_bytes){ out, 4 });
}

const char *issuer_key(uint32_t id, char out[32])
{
	if (id == ISSUER_ROOT)
		(void)snprintf(out, 32, "root");
	else
		(void)snprintf(out, 32, "issuing-%u", id);
	return (out);
}

static enum sn_err decode(
    struct sn_bytes key, struct sn_bytes value, struct issuer *out)
{
	struct sn_rd k = sn_rd_over(key.p, key.n);
	struct sn_rd r = sn_rd_over(value.p, value.n);

	out->id = sn_rd_u32(&k);
	if (sn_rd_u8(&r) != VERSION)
		return (SN_ENEWER);
	out->active = sn_rd_u8(&r) != 0;
	sn_rd_copy(&r, out->serial, SERIAL_BYTES);
	out->crl_number = sn_rd_u64(&r);
	out->crl_stale = sn_rd_u8(&r) != 0;
	out->crl_this = (int64_t)sn_rd_u64(&r);
	out->crl_next = (int64_t)sn_rd_u64(&r);
	return (sn_rd_end(&r) && sn_rd_end(&k) ? SN_OK : SN_ECORRUPT);
}

enum sn_err issuer_get(struct sn_txn *txn, uint32_t id, struct issuer *out)
{
	uint8_t b[4];
	struct sn_bytes key = issuer_id_key(id, b), value;
	enum sn_err err;

	if ((err = inventory_get(txn, TABLE_ISSUER, key, &value)) != SN_OK)
		return (err);
	return (decode(key, value, out));
}

enum sn_err issuer_from(struct sn_txn *txn, uint32_t id, struct issuer *out)
{
	uint8_t b[4];
	struct sn_bytes key, value;
	struct sn_cursor *c;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, TABLE_ISSUER, &c)) != SN_OK)
		return (err);
	err = sn_cursor_seek(c, issuer_id_key(id, b), &key, &value);
	if (err == SN_OK &&
	    (err = inventory_unseal(TABLE_ISSUER, key, &value)) == SN_OK)
		err = decode(key, value, out);
	sn_cursor_close(c);
	return (err);
}

enum sn_err issuer_put(struct sn_txn *txn, const struct issuer *issuer)
{
	uint8_t row[ROW_BYTES], b[4];
	struct sn_wr w = sn_wr_over(row, sizeof(row));

	sn_wr_u8(&w, VERSION);
	sn_wr_u8(&w, issuer->active);
	sn_wr_put(&w, issuer->serial, SERIAL_BYTES);
	sn_wr_u64(&w, issuer->crl_number);
	sn_wr_u8(&w, issuer->crl_stale);
	sn_wr_u64(&w, (uint64_t)issuer->crl_this);
	sn_wr_u64(&w, (uint64_t)issuer->crl_next);
	if (w.bad)
		return (SN_ETOOBIG);
	return (inventory_put(txn, TABLE_ISSUER, issuer_id_key(issuer->id, b),
	    (struct sn_bytes){ row, w.n }));
}

enum sn_err issuer_active(struct sn_txn *txn, struct issuer *out)
{
	enum sn_err err;

	/* The newest is last; older ones are kept for their CRLs. */
	for (uint32_t id = 1; (err = issuer_from(txn, id, out)) == SN_OK;
	     id = out->id + 1)
		if (out->active)
			return (SN_OK);
	return (err);
}

enum sn_err issuer_found(
    struct sn_txn *txn, uint32_t id, const uint8_t serial[SERIAL_BYTES])
{
	struct issuer row;
	enum sn_err err;

	if ((err = issuer_get(txn, id, &row)) != SN_ENOTFOUND)
		return (err == SN_OK ? SN_EEXISTS : err);
	row = (struct issuer){ .id = id, .active = id <= 1 };
	memcpy(row.serial, serial, SERIAL_BYTES);
	return (issuer_put(txn, &row));
}

enum sn_err issuer_activate(struct sn_txn *txn, uint32_t id)
{
	struct issuer row;
	enum sn_err err;

	if ((err = issuer_get(txn, id, &row)) != SN_OK)
		return (err);
	for (uint32_t at = 1; (err = issuer_from(txn, at, &row)) == SN_OK;
	     at = row.id + 1) {
		if (row.active == (row.id == id))
			continue;
		row.active = row.id == id;
		if ((err = issuer_put(txn, &row)) != SN_OK)
			return (err);
	}
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

enum sn_err issuer_next(struct sn_txn *txn, uint32_t *out)
{
	struct issuer row;
	int64_t floor;
	enum sn_err err;

	if ((err = inventory_number(txn, META_NEXT, 1, &floor)) != SN_OK)
		return (err);
	*out = 1;
	while ((err = issuer_from(txn, *out, &row)) == SN_OK)
		*out = row.id + 1;
	if (*out < floor)
		*out = (uint32_t)floor;
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

enum sn_err issuer_skip(struct sn_txn *txn)
{
	enum sn_err err;
	uint32_t next;

	/* No more than so many can be alive besides those that are known. */
	if ((err = issuer_next(txn, &next)) != SN_OK)
		return (err);
	return (inventory_set_number(
	    txn, META_NEXT, (int64_t)next + ISSUER_ALIVE_MAX));
}

enum sn_err issuer_record(
    struct sn_txn *txn, const struct issuer *issuer, struct record *out)
{
	struct sn_bytes key = { issuer->serial, SERIAL_BYTES }, value;
	enum sn_err err;

	err = inventory_get(txn, TABLE_CERTIFICATE, key, &value);
	if (err != SN_OK)
		return (err == SN_ENOTFOUND ? SN_ECORRUPT : err);
	return (record_decode(key, value, out));
}

enum sn_err issuer_revoked(struct sn_txn *txn, uint32_t id, bool *out)
{
	struct issuer i;
	struct record rec;
	enum sn_err err;

	*out = false;
	if ((err = issuer_get(txn, id, &i)) != SN_OK)
		return (err == SN_ENOTFOUND ? SN_OK : err);
	if ((err = issuer_record(txn, &i, &rec)) == SN_OK)
		*out = rec.state == STATE_REVOKED;
	return (err);
}

enum issuer_state issuer_state(const struct issuer *issuer,
    const struct record *rec, uint32_t active, int64_t now)
{
	if (rec->state == STATE_REVOKED)
		return (ISSUER_REVOKED);
	if (rec->not_after < now)
		return (ISSUER_EXPIRED);
	if (issuer->active)
		return (ISSUER_ACTIVE);
	return (issuer->id > active ? ISSUER_PREPARED : ISSUER_RETIRED);
}

const char *issuer_state_text(enum issuer_state state)
{
	static const char *const words[] = {
		[ISSUER_PREPARED] = "prepared",
		[ISSUER_ACTIVE] = "active",
		[ISSUER_RETIRED] = "retired",
		[ISSUER_REVOKED] = "revoked",
		[ISSUER_EXPIRED] = "expired",
	};

	return (words[state]);
}

enum sn_err issuer_usable(struct sn_txn *txn, const struct issuer *issuer,
    int64_t now, struct sn_why *why)
{
	char name[32], until[SN_CLOCK_TEXT];
	struct record rec;
	enum sn_err err;

	if ((err = issuer_record(txn, issuer, &rec)) != SN_OK)
		return (sn_why(why, err, "cannot find %s in the inventory: %s",
		    issuer_key(issuer->id, name), sn_err_text(err)));
	(void)issuer_key(issuer->id, name);
	if (rec.state == STATE_REVOKED)
		return (sn_why(why, SN_EDENIED,
		    "%s is revoked, nothing it signs would be believed; "
		    "%s",
		    name,
		    issuer->id == ISSUER_ROOT
			? "make a new authority"
			: "sicher-ca issuer rotate puts another in its place"));
	if (rec.not_after <= now)
		return (sn_why(why, SN_EDENIED,
		    "the certificate of %s ended at %s; %s", name,
		    sn_clock_rfc3339(rec.not_after, until),
		    issuer->id == ISSUER_ROOT
			? "make a new authority"
			: "sicher-ca issuer rotate puts another in its place"));
	return (SN_OK);
}

enum sn_err issuer_certificate(
    struct sn_txn *txn, uint32_t id, X509 **out, struct sn_why *why)
{
	struct issuer issuer;
	struct record rec;
	enum sn_err err;

	if ((err = issuer_get(txn, id, &issuer)) == SN_OK &&
	    (err = issuer_record(txn, &issuer, &rec)) == SN_OK)
		return (ssl_certificate(rec.der, out, why));
	if (err == SN_ENOTFOUND)
		err = SN_ECORRUPT;
	return (sn_why(why, err, "cannot find issuer %u in the inventory: %s",
	    id, sn_err_text(err)));
}
