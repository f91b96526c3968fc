#include "server/oplog/device.h"

#include <string.h>

#include "server/oplog/db.h"
#include "server/base/record.h"

#define VERSION 1

enum sn_err device_get(struct sn_txn *txn,
    const uint8_t fingerprint[DEVICE_FINGERPRINT], struct device *out)
{
	struct sn_bytes value;
	struct sn_rd r;
	enum sn_err err;

	err = sn_txn_get(txn, DB_DEVICES,
	    (struct sn_bytes){ fingerprint, DEVICE_FINGERPRINT }, &value);
	if (err != SN_OK)
		return (err);
	if ((err = record_open(value, VERSION, &r)) != SN_OK)
		return (err);
	memmove(out->fingerprint, fingerprint, DEVICE_FINGERPRINT);
	out->account = sn_rd_u64(&r);
	out->revoked = sn_rd_u8(&r) != 0;
	out->not_after = (int64_t)sn_rd_u64(&r);
	out->first = sn_rd_u64(&r);
	sn_rd_text(&r, out->serial, sizeof(out->serial));
	sn_rd_text(&r, out->issuer, sizeof(out->issuer));
	sn_rd_text(&r, out->label, sizeof(out->label));
	return (sn_rd_end(&r) ? SN_OK : SN_ECORRUPT);
}

enum sn_err device_put(struct sn_txn *txn, const struct device *d)
{
	uint8_t space[512];
	struct sn_wr w = sn_wr_over(space, sizeof(space));

	record_begin(&w, VERSION);
	sn_wr_u64(&w, d->account);
	sn_wr_u8(&w, d->revoked);
	sn_wr_u64(&w, (uint64_t)d->not_after);
	sn_wr_u64(&w, d->first);
	sn_wr_blob(&w, sn_bytes_of(d->serial));
	sn_wr_blob(&w, sn_bytes_of(d->issuer));
	sn_wr_blob(&w, sn_bytes_of(d->label));
	record_finish(&w);
	if (w.bad)
		return (SN_EBUG);
	return (sn_txn_put(txn, DB_DEVICES,
	    (struct sn_bytes){ d->fingerprint, DEVICE_FINGERPRINT },
	    (struct sn_bytes){ space, w.n }));
}

size_t device_seen_write(
    const struct device_seen *seen, uint8_t out[DEVICE_SEEN_MAX])
{
	struct sn_wr w = sn_wr_over(out, DEVICE_SEEN_MAX);

	sn_wr_u64(&w, seen->time);
	if (seen->issuer_known)
		sn_wr_put(&w, seen->issuer, sizeof(seen->issuer));
	return (w.n);
}

void device_seen(struct sn_txn *txn,
    const uint8_t fingerprint[DEVICE_FINGERPRINT], struct device_seen *out)
{
	struct sn_bytes value;
	struct sn_rd r;

	memset(out, 0, sizeof(*out));
	if (sn_txn_get(txn, DB_DEVICE_SEEN,
		(struct sn_bytes){ fingerprint, DEVICE_FINGERPRINT },
		&value) != SN_OK)
		return;
	r = sn_rd_over(value.p, value.n);
	out->time = sn_rd_u64(&r);
	if (r.left == 0)
		return; /* Older rows have the time alone. */
	sn_rd_copy(&r, out->issuer, sizeof(out->issuer));
	out->issuer_known = sn_rd_end(&r);
}

enum sn_err device_next(
    struct sn_txn *txn, uint64_t account, struct device *device, bool *found)
{
	uint8_t from[8 + DEVICE_FINGERPRINT];
	struct sn_wr w = sn_wr_over(from, sizeof(from));
	struct sn_bytes start, key, value;
	struct sn_cursor *c;
	enum sn_err err;

	sn_wr_u64(&w, account);
	sn_wr_put(&w, device->fingerprint, DEVICE_FINGERPRINT);
	start = (struct sn_bytes){ from, w.n };
	*found = false;
	if ((err = sn_cursor_open(txn, DB_ACCOUNT_DEVICES, &c)) != SN_OK)
		return (err);
	err = sn_cursor_seek(c, start, &key, &value);
	if (err == SN_OK && sn_bytes_equal(key, start))
		err = sn_cursor_next(c, &key, &value);
	if (err == SN_OK && key.n == sizeof(from) &&
	    memcmp(key.p, from, 8) == 0) {
		*found = true;
		err = device_get(txn, (const uint8_t *)key.p + 8, device);
		if (err == SN_ENOTFOUND)
			err = SN_ECORRUPT;
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}
