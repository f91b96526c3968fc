#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/clock.h"
#include "lib/frame.h"
#include "server/net/admin.h"
#include "server/oplog/db.h"
#include "server/oplog/db_walk.h"
#include "server/oplog/device.h"
#include "server/oplog/op.h"
#include "server/oplog/room.h"

#define ROWS_A_PAGE 20000
#define LINES_A_PAGE 500
#define BYTES_A_PAGE (16U * 1024)
#define TEXT_MAX (80U * 1024)

/* One page of what the server holds about an account: the account, its
 * devices, its rooms, and then the messages, a share of each at a time. */
struct export
{
	struct sn_txn *txn;
	const struct account *account;
	json_t *lines;
	size_t bytes;    /* Of bodies, roughly. */
	json_t *next;    /* Where the page behind goes on; NULL at the end. */
	enum sn_err err; /* The first line that could not be made. */
};

static bool is_full(const struct export *e)
{
	return (json_array_size(e->lines) >= LINES_A_PAGE ||
		e->bytes >= BYTES_A_PAGE);
}

static void add(struct export *e, const char *what, json_t *line)
{
	if (json_object_set_new(line, "what", json_string(what)) != 0 ||
	    json_array_append(e->lines, line) != 0)
		e->err = SN_ENOMEM;
	json_decref(line);
}

static void go_on(struct export *e, const char *of, json_t *at)
{
	if ((e->next = json_pack("{s:s, s:o}", "of", of, "at", at)) == NULL)
		e->err = SN_ENOMEM;
}

static json_t *number(uint64_t n)
{
	return (json_integer((json_int_t)n));
}

static json_t *when(uint64_t ms)
{
	char text[SN_CLOCK_TEXT];

	return (
	    json_string(sn_clock_rfc3339((int64_t)(ms / SN_MS_PER_S), text)));
}

static void add_account(struct export *e)
{
	const struct account *a = e->account;

	add(e, "account",
	    json_pack("{s:s, s:I, s:s, s:s, s:s, s:o}", "account", a->name,
		"account_id", (json_int_t)a->id, "display", a->display, "role",
		account_role_word(a->role), "state",
		account_state_word(a->state), "created", when(a->created)));
}

static void add_device(struct export *e, const struct device *d)
{
	char hex[2 * DEVICE_FINGERPRINT + 1];
	struct device_seen seen;

	device_seen(e->txn, d->fingerprint, &seen);
	add(e, "device",
	    json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:b}", "device", d->label,
		"serial", d->serial, "issuer", d->issuer, "fingerprint",
		sn_bytes_hex(d->fingerprint, DEVICE_FINGERPRINT, hex), "first",
		when(d->first), "last", when(seen.time), "revoked",
		d->revoked));
}

/* Those behind the one of that fingerprint, or all. */
static enum sn_err add_devices(struct export *e, const char *after)
{
	struct device d = { .account = e->account->id };
	char hex[2 * DEVICE_FINGERPRINT + 1];
	bool found = true;
	enum sn_err err;

	if (after != NULL &&
	    !sn_bytes_unhex(after, d.fingerprint, DEVICE_FINGERPRINT))
		return (SN_EINVAL);
	while (!is_full(e)) {
		err = device_next(e->txn, e->account->id, &d, &found);
		if (err != SN_OK)
			return (err);
		if (!found) {
			go_on(e, "rooms", number(0));
			return (SN_OK);
		}
		add_device(e, &d);
	}
	go_on(e, "devices",
	    json_string(sn_bytes_hex(d.fingerprint, DEVICE_FINGERPRINT, hex)));
	return (SN_OK);
}

static enum sn_err add_room(struct export *e, uint64_t id)
{
	struct room_member member;
	struct room room;
	enum sn_err err;

	if ((err = room_get(e->txn, id, &room)) == SN_OK)
		err = room_member(e->txn, id, e->account->id, &member);
	/* What is missing or damaged hides nothing behind it. */
	if (err == SN_ENOTFOUND || err == SN_ECORRUPT) {
		add(e, "damaged",
		    json_pack("{s:I}", "room_id", (json_int_t)id));
		return (SN_OK);
	}
	if (err == SN_OK && room.kind == ROOM_NAMED)
		add(e, "room",
		    json_pack("{s:s, s:s, s:I}", "room", room.name, "role",
			member.role == ROOM_OWNER ? "owner" : "member",
			"joined", (json_int_t)member.joined));
	return (err);
}

static enum sn_err add_rooms(struct export *e, uint64_t after)
{
	struct db_walk walk;
	enum sn_err err = SN_OK;
	bool found = true;
	uint64_t id;

	db_walk_open(&walk, e->txn, DB_ACCOUNT_ROOMS, e->account->id, after);
	while (
	    err == SN_OK && !is_full(e) && (found = db_walk_next(&walk, &id))) {
		err = add_room(e, id);
		after = id;
	}
	if ((err = db_walk_close(&walk, err)) != SN_OK)
		return (err);
	if (found)
		go_on(e, "rooms", number(after));
	else
		go_on(e, "messages", number(0));
	return (SN_OK);
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

/* Those above ${at}. */
static enum sn_err add_messages(struct export *e, uint64_t at)
{
	struct db_key from = db_key1(at + 1);
	struct sn_bytes key, row;
	struct sn_cursor *c;
	struct op op;
	enum sn_err err;

	if ((err = sn_cursor_open(e->txn, DB_LOG, &c)) != SN_OK)
		return (err);
	err = sn_cursor_seek(c, db_bytes(&from), &key, &row);
	for (unsigned n = 0; err == SN_OK && n < ROWS_A_PAGE; n++) {
		if (is_full(e) || (err = db_u64(key, &at)) != SN_OK)
			break;
		if (op_decode(row, &op) != SN_OK)
			add(e, "damaged",
			    json_pack("{s:I}", "seq", (json_int_t)at));
		else if (op.kind == OP_MESSAGE && is_its(e, &op.message))
			add_message(e, at, &op.message);
		err = sn_cursor_next(c, &key, &row);
	}
	sn_cursor_close(c);
	if (err == SN_OK)
		go_on(e, "messages", number(at));
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

/* ${after} is what the page before told as its "next"; NULL: there is none. */
static enum sn_err add_page(struct export *e, const json_t *after)
{
	const char *of = admin_text(after, "of");
	const json_t *at = json_object_get(after, "at");
	uint64_t from = (uint64_t)json_integer_value(at);

	if (after == NULL) {
		add_account(e);
		return (add_devices(e, NULL));
	}
	if (strcmp(of, "devices") == 0 && json_is_string(at))
		return (add_devices(e, json_string_value(at)));
	if (strcmp(of, "rooms") == 0 && json_is_integer(at))
		return (add_rooms(e, from));
	if (strcmp(of, "messages") == 0 && json_is_integer(at))
		return (add_messages(e, from));
	return (SN_EINVAL);
}

json_t *admin_export(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	struct account account;
	struct export e = { .account = &account, .err = SN_OK };
	json_t *failure;
	enum sn_err err;

	(void)fds;
	(void)count;
	if (!admin_find(net, request, &account, &failure))
		return (failure);
	e.lines = json_array();
	admin_settle(net);
	if ((err = sn_txn_read(net->store, &e.txn)) == SN_OK) {
		err = add_page(&e, json_object_get(request, "after"));
		sn_txn_abort(e.txn);
	}
	if (err == SN_OK)
		err = e.err;
	if (err == SN_OK)
		return (json_pack("{s:b, s:o, s:b, s:o*}", "ok", 1, "lines",
		    e.lines, "more", e.next != NULL, "next", e.next));
	json_decref(e.lines);
	json_decref(e.next);
	if (err == SN_EINVAL)
		return (admin_failed("usage", "no such page"));
	return (admin_failed(
	    "internal", "cannot read the database: %s", sn_err_text(err)));
}
