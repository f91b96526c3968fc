#include "server/net/directory.h"

#include "lib/clock.h"
#include "server/base/record.h"
#include "server/net/dispatch.h"
#include "server/net/listing.h"
#include "server/net/loop.h"
#include "server/net/net_impl.h"
#include "server/net/visible.h"
#include "server/net/sess_error.h"
#include "server/oplog/db.h"
#include "server/oplog/device.h"

#define VERSION 1
#define AROUND 640 /* Of a DEVICE, all but the certificate. */

void directory_keep(struct sess *s)
{
	struct sn_bytes key = { s->peer->fingerprint, DEVICE_FINGERPRINT };
	uint8_t space[GATE_LEAF_MAX + RECORD_OVERHEAD];
	struct sn_wr w = sn_wr_over(space, sizeof(space));
	struct sn_bytes known;
	struct sn_txn *txn;

	if (s->leaf == NULL || loop_read(s->loop, &txn) != SN_OK ||
	    sn_txn_get(txn, DB_CERTIFICATES, key, &known) != SN_ENOTFOUND)
		return;
	record_begin(&w, VERSION);
	sn_wr_put(&w, s->leaf, s->leaf_len);
	record_finish(&w);
	/* Where it cannot be stored now, the next login tries again. */
	if (!w.bad)
		oplog_ride_row(s->loop->net->log, DB_CERTIFICATES, key,
		    (struct sn_bytes){ space, w.n });
}

/* The certificate in DER; nothing when it is not here, or damaged. */
static struct sn_bytes certificate(
    struct sn_txn *txn, const uint8_t fingerprint[DEVICE_FINGERPRINT])
{
	struct sn_bytes key = { fingerprint, DEVICE_FINGERPRINT }, value;
	struct sn_rd r;

	if (sn_txn_get(txn, DB_CERTIFICATES, key, &value) != SN_OK ||
	    record_open(value, VERSION, &r) != SN_OK)
		return ((struct sn_bytes){ "", 0 });
	return ((struct sn_bytes){ r.p, r.left });
}

/* A device that may be used: neither revoked nor past its end. */
static enum sn_err show(struct sess *s, struct sn_txn *txn,
    const struct listing *l, struct sn_bytes key, bool *shown)
{
	struct sn_frame_device f = { .ref = listing_ref(l) };
	struct sn_bytes fingerprint;
	struct device d;
	struct sn_wr w;
	enum sn_err err;

	if (key.n != 8 + DEVICE_FINGERPRINT)
		return (SN_ECORRUPT);
	fingerprint =
	    (struct sn_bytes){ (const uint8_t *)key.p + 8, DEVICE_FINGERPRINT };
	if ((err = device_get(txn, fingerprint.p, &d)) != SN_OK)
		return (err);
	if (d.revoked || d.not_after < sn_clock_wall_s())
		return (SN_OK);
	f.device = sn_bytes_of(d.label);
	f.fingerprint = fingerprint;
	f.serial = sn_bytes_of(d.serial);
	f.issuer = sn_bytes_of(d.issuer);
	f.not_after = (uint64_t)d.not_after * SN_MS_PER_S;
	f.certificate = certificate(txn, d.fingerprint);
	w = sess_put(s, AROUND + f.certificate.n);
	sn_frame_put_device(&w, &f);
	sess_put_end(s, &w);
	*shown = true;
	return (SN_OK);
}

/* Whom it is of, may be out of sight since. */
static enum sn_err check(
    struct sess *s, struct sn_txn *txn, const struct listing *l)
{
	struct sn_bytes prefix = listing_prefix(l);
	struct account account;
	uint64_t id;
	enum sn_err err;

	if ((err = db_u64(prefix, &id)) != SN_OK ||
	    (err = account_get(txn, id, &account)) != SN_OK)
		return (err);
	return (visible_account(txn, s->account, sn_bytes_of(account.name),
	    (enum visible_to)s->loop->settings->account.visible, &account));
}

static const struct listing_kind devices = {
	DB_ACCOUNT_DEVICES,
	check,
	show,
};

void directory_on_directory(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_directory f;
	struct account account;
	struct sn_txn *txn;
	struct db_key from;
	enum sn_err err;

	if (!sn_frame_get_directory(frame, &f)) {
		dispatch_bad(s, frame, "DIRECTORY needs ref and account");
		return;
	}
	if ((err = loop_read(s->loop, &txn)) == SN_OK)
		err = visible_account(txn, s->account, f.account,
		    (enum visible_to)s->loop->settings->account.visible,
		    &account);
	if (err != SN_OK) {
		sess_error_of(s, f.ref, err);
		return;
	}
	from = db_key1(account.id);
	listing_begin(s, f.ref, &devices, db_bytes(&from));
}
