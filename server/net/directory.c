#include "server/net/directory.h"

#include "lib/clock.h"
#include "server/base/record.h"
#include "server/net/dispatch.h"
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
	struct oplog_request *q;
	struct sn_txn *txn;

	if (s->leaf == NULL || loop_read(s->loop, &txn) != SN_OK ||
	    sn_txn_get(txn, DB_CERTIFICATES, key, &known) != SN_ENOTFOUND)
		return;
	record_begin(&w, VERSION);
	sn_wr_put(&w, s->leaf, s->leaf_len);
	record_finish(&w);
	/* Where it cannot be stored now, the next login tries again. */
	if (w.bad || oplog_local_new(DB_CERTIFICATES, key,
			 (struct sn_bytes){ space, w.n }, &q) != SN_OK)
		return;
	if (oplog_ride(s->loop->net->log, q) != SN_OK)
		oplog_request_free(q);
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

static void put(
    struct sess *s, struct sn_txn *txn, uint64_t ref, const struct device *d)
{
	struct sn_frame_device f = {
		.ref = ref,
		.device = sn_bytes_of(d->label),
		.fingerprint = { d->fingerprint, DEVICE_FINGERPRINT },
		.serial = sn_bytes_of(d->serial),
		.issuer = sn_bytes_of(d->issuer),
		.not_after = (uint64_t)d->not_after * SN_MS_PER_S,
		.certificate = certificate(txn, d->fingerprint),
	};
	struct sn_wr w = sess_put(s, AROUND + f.certificate.n);

	sn_frame_put_device(&w, &f);
	sess_put_end(s, &w);
}

/* Those that may be used: neither revoked nor past their end. */
static enum sn_err put_all(struct sess *s, struct sn_txn *txn, uint64_t ref,
    uint64_t account, struct sn_frame_end *end)
{
	struct device d = { .account = account };
	int64_t now = sn_clock_wall_s();
	bool found;
	enum sn_err err;

	while (
	    (err = device_next(txn, account, &d, &found)) == SN_OK && found) {
		if (d.revoked || d.not_after < now)
			continue;
		if (!sess_room(s)) {
			end->more = true;
			break;
		}
		put(s, txn, ref, &d);
		end->count++;
	}
	return (err);
}

void directory_on_directory(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_end end = { .count = 0 };
	struct sn_frame_directory f;
	struct account account;
	struct sn_txn *txn;
	struct sn_wr w;
	enum sn_err err;

	if (!sn_frame_get_directory(frame, &f)) {
		dispatch_bad(s, frame, "DIRECTORY needs ref and account");
		return;
	}
	if ((err = loop_read(s->loop, &txn)) == SN_OK)
		err = visible_account(txn, s->account, f.account,
		    (enum visible_to)s->loop->settings->account.visible,
		    &account);
	if (err == SN_OK)
		err = put_all(s, txn, f.ref, account.id, &end);
	if (err != SN_OK) {
		sess_error_of(s, f.ref, err);
		return;
	}
	end.ref = f.ref;
	w = sess_put(s, 32);
	sn_frame_put_end(&w, &end);
	sess_put_end(s, &w);
}
