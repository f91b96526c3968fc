#include "ca/cmd.h"

#include <stdio.h>
#include <string.h>

#include "ca/book.h"
#include "ca/due.h"
#include "ca/find.h"
#include "ca/inventory.h"
#include "ca/issuer.h"
#include "lib/clock.h"

#define WITHIN (30 * DAY_SECONDS)

struct search {
	struct cmd *cmd;
	struct sn_txn *txn;
	int64_t now, until, within;
	uint64_t found;
};

/* One thing that is due: "certificate", "ca", "crl" or "revocation". */
struct item {
	const char *what;
	char name[NAME_BYTES + LABEL_BYTES + 2];
	char serial[SERIAL_TEXT]; /* "" for lists. */
	int64_t at;
	char next[640];     /* The command that helps. */
	const char *where;  /* " --dir DIR" or ""... */
	const char *remark; /* ...and a word behind it. */
};

/* Each is written as it is met, so memory stays flat. */
static enum sn_err put(struct search *s, const struct item *item)
{
	char at[SN_CLOCK_TEXT];
	const char *verb = strcmp(item->what, "revocation") == 0
			       ? "to be revoked since"
			   : item->at < s->now ? "ended"
					       : "ends";
	json_t *o;

	(void)sn_clock_rfc3339(item->at, at);
	s->cmd->status = STATUS_ATTENTION;
	s->found++;
	if (!s->cmd->json) {
		printf("%-11s %s %s %s. Next: %s%s%s\n", item->what, item->name,
		    verb, at, item->next, item->where, item->remark);
		return (ferror(stdout) ? SN_EIO : SN_OK);
	}
	o = json_pack("{s:s,s:s,s:s,s:s++}", "what", item->what, "name",
	    item->name, "at", at, "next", item->next, item->where,
	    item->remark);
	if (item->serial[0] != '\0')
		(void)json_object_set_new(
		    o, "serial", json_string(item->serial));
	if (s->found > 1)
		putchar(',');
	json_dumpf(o, stdout, JSON_COMPACT);
	json_decref(o);
	return (ferror(stdout) ? SN_EIO : SN_OK);
}

static struct item item_of(
    const struct search *s, const char *what, const struct record *rec)
{
	struct item item = {
		.what = what,
		.at = rec->not_after,
		.where = s->cmd->where,
		.remark = "",
	};

	(void)snprintf(item.name, sizeof(item.name), "%s%s%s", rec->name,
	    rec->label[0] != '\0' ? "/" : "", rec->label);
	(void)sn_bytes_hex(rec->serial, SERIAL_BYTES, item.serial);
	return (item);
}

static enum sn_err put_due(void *arg, const struct record *rec)
{
	struct search *s = arg;
	struct item item = item_of(s, "revocation", rec);

	/* What has ended by itself opens nothing any more. */
	if (rec->not_after < s->now)
		return (SN_OK);
	item.at = rec->due;
	(void)snprintf(item.next, sizeof(item.next), "sicher-ca revoke --due");
	return (put(s, &item));
}

/* Whether another of the same device or host lasts longer. */
struct outlived {
	const struct record *rec;
	bool yes;
	bool beside; /* Another machine's of that name does. */
};

/* A host may be several machines, and who renews one makes its old
 * certificate due: what overlaps and is not due belongs to another. */
static enum sn_err compare(void *arg, const struct record *rec)
{
	struct outlived *o = arg;

	if (rec->state != STATE_VALID || rec->due != 0 ||
	    memcmp(rec->serial, o->rec->serial, SERIAL_BYTES) == 0)
		return (SN_OK);
	if (rec->kind == KIND_SERVER && rec->created <= o->rec->not_after &&
	    o->rec->created <= rec->not_after)
		o->beside = true;
	else if (rec->not_after > o->rec->not_after)
		o->yes = true;
	return (SN_OK);
}

static enum sn_err put_leaf(struct search *s, const struct record *rec)
{
	struct item item = item_of(s, "certificate", rec);
	struct outlived o = { .rec = rec };
	enum sn_err err;

	/* One that another has taken over from may end. */
	if (rec->state != STATE_VALID || rec->due != 0)
		return (SN_OK);
	err = find_walk(s->txn, rec->kind, rec->name, rec->label, compare, &o);
	if (err != SN_OK || o.yes)
		return (err);
	/* A person's that has ended is no news, a server's is an outage. */
	if (rec->kind == KIND_CLIENT && rec->not_after < s->now)
		return (SN_OK);
	if (rec->kind == KIND_CLIENT)
		(void)snprintf(item.next, sizeof(item.next),
		    "sicher-ca renew %s --device %s", rec->name, rec->label);
	else
		(void)snprintf(item.next, sizeof(item.next),
		    "sicher-ca server %s", rec->name);
	if (o.beside)
		item.remark = " --out DIR (its own folder: several machines "
			      "have that name)";
	return (put(s, &item));
}

static enum sn_err row_at(
    struct search *s, struct sn_bytes key, struct sn_bytes value, bool *past)
{
	struct sn_rd r = sn_rd_over(key.p, key.n);
	struct record rec;
	enum sn_err err;

	if ((err = inventory_unseal(TABLE_EXPIRY, key, &value)) != SN_OK)
		return (err);
	if (key.n != 8 + SERIAL_BYTES)
		return (SN_ECORRUPT);
	*past = (int64_t)sn_rd_u64(&r) > s->until;
	if (*past)
		return (SN_OK);
	err = book_get(s->txn, (const uint8_t *)key.p + 8, &rec);
	if (err != SN_OK)
		return (err == SN_ENOTFOUND ? SN_ECORRUPT : err);
	if (rec.kind != KIND_CLIENT && rec.kind != KIND_SERVER)
		return (SN_OK);
	return (put_leaf(s, &rec));
}

/* Those that end between ${within} ago and ${within} ahead, by the index. */
static enum sn_err put_leaves(struct search *s)
{
	uint8_t from[8];
	struct sn_wr w = sn_wr_over(from, sizeof(from));
	struct sn_bytes key, value;
	struct sn_cursor *c;
	bool past = false;
	enum sn_err err;

	sn_wr_u64(&w, (uint64_t)(s->now - s->within));
	if ((err = sn_cursor_open(s->txn, TABLE_EXPIRY, &c)) != SN_OK)
		return (err);
	err = sn_cursor_seek(
	    c, (struct sn_bytes){ from, sizeof(from) }, &key, &value);
	while (err == SN_OK) {
		if ((err = row_at(s, key, value, &past)) != SN_OK || past)
			break;
		err = sn_cursor_next(c, &key, &value);
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err put_ca(
    struct search *s, const struct issuer *i, const struct record *rec)
{
	struct item item = item_of(s, "ca", rec);

	/* One that signs no more may end. */
	if ((rec->not_after > s->until && rec->state != STATE_REVOKED) ||
	    (i->id != ISSUER_ROOT && !i->active))
		return (SN_OK);
	if (rec->state == STATE_REVOKED)
		item.at = rec->revoked_at;
	(void)snprintf(item.next, sizeof(item.next), "%s",
	    i->id == ISSUER_ROOT ? "a new authority (sicher-ca init), trusted "
				   "beside this one"
				 : "sicher-ca issuer rotate");
	if (i->id == ISSUER_ROOT)
		item.where = "";
	return (put(s, &item));
}

static enum sn_err put_list(
    struct search *s, const struct issuer *i, const struct record *rec)
{
	struct item item = {
		.what = "crl",
		.at = i->crl_next,
		.next = "sicher-ca crl publish",
		.where = s->cmd->where,
		.remark = i->id == ISSUER_ROOT
			      ? " (--root-key FILE if it is offline)"
			      : "",
	};
	int64_t soon = (i->crl_next - i->crl_this) / 3;

	if (soon > s->within)
		soon = s->within;
	if (rec->not_after < s->now ||
	    (i->crl_next - s->now > soon && !i->crl_stale))
		return (SN_OK);
	(void)issuer_key(i->id, item.name);
	if (i->crl_stale)
		(void)snprintf(item.name + strlen(item.name), 64,
		    " (a revocation is missing in it)");
	return (put(s, &item));
}

static enum sn_err put_issuers(struct search *s)
{
	struct issuer i;
	struct record rec;
	enum sn_err err;

	for (uint32_t id = ISSUER_ROOT;
	     (err = issuer_from(s->txn, id, &i)) == SN_OK; id = i.id + 1)
		if ((err = issuer_record(s->txn, &i, &rec)) != SN_OK ||
		    (err = put_ca(s, &i, &rec)) != SN_OK ||
		    (err = put_list(s, &i, &rec)) != SN_OK)
			return (err);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err search(struct search *s)
{
	enum sn_err err;

	if ((err = put_issuers(s)) != SN_OK ||
	    (err = due_walk(s->txn, s->now, put_due, s)) != SN_OK)
		return (err);
	return (put_leaves(s));
}

static enum sn_err body(struct cmd *cmd)
{
	struct search s = { .cmd = cmd, .now = sn_clock_wall_s() };
	enum sn_err err;

	if ((err = cmd_span(cmd, "within", WITHIN, &s.within)) != SN_OK ||
	    (err = cmd_open(cmd, true)) != SN_OK)
		return (err);
	s.until = s.now + s.within;
	if ((err = sn_txn_read(cmd->a->store, &s.txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	cmd->streamed = cmd->json;
	if (cmd->json)
		printf("{\"due\":[");
	err = search(&s);
	sn_txn_abort(s.txn);
	if (cmd->json)
		printf("],");
	if (err == SN_OK && s.found == 0)
		cmd_say(cmd, "Nothing ends within %lld days.",
		    (long long)(s.within / DAY_SECONDS));
	return (inventory_why(cmd->a->store, err, &cmd->why));
}

int cmd_expiry(struct sn_cli *cli)
{
	return (cmd_run(cli, body));
}
