#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/clock.h"
#include "lib/frame.h"
#include "server/net/admin.h"
#include "server/oplog/db.h"
#include "server/oplog/device.h"
#include "server/oplog/op.h"
#include "server/oplog/room.h"

#define ROWS_A_PAGE 20000
#define LINES_A_PAGE 500
#define BYTES_A_PAGE (16U * 1024)
#define TEXT_MAX (80U * 1024)

/* One page of what the server holds about an account. */
struct export
{
	struct sn_txn *txn;
	const struct account *account;
	json_t *lines;
	size_t bytes; /* Of bodies, roughly. */
};

static void add(struct export *e, const char *what, json_t *line)
{
	(void)json_object_set_new(line, "what", json_string(what));
	(void)json_array_append_new(e->lines, line);
}

static json_t *when(uint64_t ms)
{
	char text[SN_CLOCK_TEXT];

	return (
	    json_string(sn_clock_rfc3339((int64_t)(ms / SN_MS_PER_S), text)));
}

static enum sn_err add_devices(struct export *e)
{
	struct device d = { .account = e->account->id };
	bool found = true;
	enum sn_err err;

	while (
	    (err = device_next(e->txn, e->account->id, &d, &found)) == SN_OK &&
	    found) {
		char hex[2 * DEVICE_FINGERPRINT + 1];
		struct device_seen seen;

		device_seen(e->txn, d.fingerprint, &seen);
		add(e, "device",
		    json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:b}", "device",
			d.label, "serial", d.serial, "issuer", d.issuer,
			"fingerprint",
			sn_bytes_hex(d.fingerprint, DEVICE_FINGERPRINT, hex),
			"first", when(d.first), "last", when(seen.time),
			"revoked", d.revoked));
	}
	return (err);
}

static enum sn_err add_rooms(struct export *e)
{
	struct db_key from = db_key2(e->account->id, 0);
	struct sn_bytes key, value;
	struct room_member member;
	struct sn_cursor *c;
	struct room room;
	enum sn_err err;

	if ((err = sn_cursor_open(e->txn, DB_ACCOUNT_ROOMS, &c)) != SN_OK)
		return (err);
	for (err = sn_cursor_seek(c, db_bytes(&from), &key, &value);
	     err == SN_OK; err = sn_cursor_next(c, &key, &value)) {
		struct sn_rd r = sn_rd_over(key.p, key.n);

		if (sn_rd_u64(&r) != e->account->id)
			break;
		if ((err = room_get(e->txn, sn_rd_u64(&r), &room)) != SN_OK ||
		    (err = room_member(
			 e->txn, room.id, e->account->id, &member)) != SN_OK)
			break;
		if (room.kind == ROOM_NAMED)
			add(e, "room",
			    json_pack("{s:s, s:s, s:I}", "room", room.name,
				"role",
				member.role == ROOM_OWNER ? "owner" : "member",
				"joined", (json_int_t)member.joined));
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err add_first_page(struct export *e)
{
	const struct account *a = e->account;
	enum sn_err err;

	add(e, "account",
	    json_pack("{s:s, s:I, s:s, s:s, s:s, s:o}", "account", a->name,
		"account_id", (json_int_t)a->id, "display", a->display, "role",
		account_role_word(a->role), "state",
		account_state_word(a->state), "created", when(a->created)));
	if ((err = add_devices(e)) != SN_OK)
		return (err);
	return (add_rooms(e));
}

static json_t *text_of(struct sn_bytes b)
{
	json_t *s = json_stringn(b.n > 0 ? b.p : "", b.n);

	return (s != NULL ? s : json_null());
}

/* As JSON writes it; what must be escaped takes six bytes. */
static size_t written(struct sn_bytes b)
{
	size_t n = b.n;

	for (size_t i = 0; i < b.n; i++) {
		uint8_t c = ((const uint8_t *)b.p)[i];

		n += c < 0x20 || c == '"' || c == '\\' ? 5 : 0;
	}
	return (n);
}

static json_t *base64(struct sn_bytes b)
{
	unsigned char *text = malloc(b.n / 3 * 4 + 5);
	json_t *s;

	if (text == NULL)
		return (json_null());
	s = json_stringn(
	    (const char *)text, (size_t)EVP_EncodeBlock(text, b.p, (int)b.n));
	free(text);
	return (s);
}

/* The names are those of `sicher listen --json`. */
static json_t *describe(const struct sn_frame_deliver *d)
{
	json_t *body =
	    written(d->body) <= TEXT_MAX
		? json_stringn(d->body.n > 0 ? d->body.p : "", d->body.n)
		: NULL;
	const char *encoding = body != NULL ? "utf-8" : "base64";
	char id[2 * SN_FRAME_ID + 1];

	if (body == NULL)
		body = base64(d->body);
	return (json_pack("{s:I, s:o, s:I, s:o, s:o, s:o, s:s, s:o, s:s, s:o}",
	    "seq", (json_int_t)d->seq, "time", when(d->time), "time_ms",
	    (json_int_t)d->time, "from", text_of(d->from), "device",
	    text_of(d->device), "to", text_of(d->to), "id",
	    sn_bytes_hex(d->id, SN_FRAME_ID, id), "type",
	    text_of(d->content_type), "encoding", encoding, "body", body));
}

static void add_message(
    struct export *e, uint64_t seq, const struct op_message *m)
{
	static uint8_t space[SN_FRAME_MAX + SN_FRAME_AROUND]; /* Main thread. */
	struct sn_wr w = sn_wr_over(space, sizeof(space));
	struct sn_frame_deliver d;
	struct sn_frame frame;

	sn_frame_put_deliver_tail(&w, seq, m->tail, m->expires);
	if (w.bad ||
	    sn_frame_open(space, w.n, sizeof(space), &frame) != SN_OK ||
	    !sn_frame_get_deliver(&frame, &d)) {
		add(e, "damaged", json_pack("{s:I}", "seq", (json_int_t)seq));
		return;
	}
	e->bytes += written(d.body);
	add(e, "message", describe(&d));
}

/* Those it sent, and those that were sent to it alone: what others said in
 * rooms is theirs. */
static bool is_its(const struct export *e, const struct op_message *m)
{
	uint64_t id = e->account->id;

	return (m->sender == id || (m->direct && m->target == id));
}

/* One page of messages above *${at}; 0 at the end. */
static enum sn_err add_messages(struct export *e, uint64_t *at)
{
	struct db_key from = db_key1(*at + 1);
	struct sn_bytes key, row;
	struct sn_cursor *c;
	uint64_t seq;
	struct op op;
	enum sn_err err;

	if ((err = sn_cursor_open(e->txn, DB_LOG, &c)) != SN_OK)
		return (err);
	err = sn_cursor_seek(c, db_bytes(&from), &key, &row);
	for (unsigned n = 0; err == SN_OK && n < ROWS_A_PAGE; n++) {
		if (json_array_size(e->lines) >= LINES_A_PAGE ||
		    e->bytes >= BYTES_A_PAGE ||
		    (err = db_u64(key, &seq)) != SN_OK)
			break;
		if (op_decode(row, &op) != SN_OK)
			add(e, "damaged",
			    json_pack("{s:I}", "seq", (json_int_t)seq));
		else if (op.kind == OP_MESSAGE && is_its(e, &op.message))
			add_message(e, seq, &op.message);
		*at = seq;
		err = sn_cursor_next(c, &key, &row);
	}
	sn_cursor_close(c);
	if (err != SN_ENOTFOUND)
		return (err);
	*at = 0;
	return (SN_OK);
}

json_t *admin_export(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	const json_t *after = json_object_get(request, "after");
	uint64_t at = (uint64_t)json_integer_value(after);
	struct account account;
	struct export e = { .account = &account };
	json_t *failure;
	enum sn_err err;

	(void)fds;
	(void)count;
	if (!admin_find(net, request, &account, &failure))
		return (failure);
	e.lines = json_array();
	if ((err = sn_txn_read(net->store, &e.txn)) == SN_OK) {
		if (after == NULL)
			err = add_first_page(&e);
		else
			err = add_messages(&e, &at);
		sn_txn_abort(e.txn);
	}
	if (err != SN_OK) {
		json_decref(e.lines);
		return (admin_failed("internal", "cannot read the database: %s",
		    sn_err_text(err)));
	}
	return (json_pack("{s:b, s:o, s:I, s:b}", "ok", 1, "lines", e.lines,
	    "next", (json_int_t)at, "more", after == NULL || at != 0));
}
