#include <string.h>

#include "lib/clock.h"
#include "server/gate/gate.h"
#include "server/net/admin.h"
#include "server/oplog/account.h"
#include "server/oplog/db.h"
#include "server/oplog/device.h"

#define PAGE 200
#define ISSUERS_MAX 33 /* Those that are trusted, and all others. */

/* How far people have moved from one issuing CA to the next. */
struct issuers {
	struct gate_issuer facts[ISSUERS_MAX];
	uint64_t devices[ISSUERS_MAX];
	atomic_uint sessions[ISSUERS_MAX];
	unsigned count; /* The place behind the last is for the others. */
};

static void read_issuers(const struct net *net, struct issuers *out)
{
	memset(out, 0, sizeof(*out));
	while (out->count < ISSUERS_MAX - 1 &&
	       gate_issuer_at(net->gate, out->count, &out->facts[out->count]))
		out->count++;
}

static unsigned place_of(
    const struct issuers *all, const uint8_t id[SN_CERT_ISSUER])
{
	unsigned i;

	for (i = 0; i < all->count; i++) {
		if (memcmp(all->facts[i].id, id, SN_CERT_ISSUER) == 0)
			break;
	}
	return (i);
}

/* Its issuer as of the last login; by name where that was not kept yet. */
static unsigned issuer_of(const struct issuers *all, const struct device *d,
    const struct device_seen *seen)
{
	unsigned i;

	if (seen->issuer_known)
		return (place_of(all, seen->issuer));
	for (i = 0; i < all->count; i++) {
		if (strcmp(all->facts[i].name, d->issuer) == 0)
			break;
	}
	return (i);
}

static void count_in(struct loop *loop, void *arg)
{
	struct issuers *all = arg;

	for (struct sess *s = loop->all; s != NULL; s = s->next) {
		if (s->state == SESS_READY)
			atomic_fetch_add(&all->sessions[place_of(
					     all, s->peer->links[0].issuer)],
			    1);
	}
}

/* One device that still counts, and whose it is. */
struct entry {
	struct device device;
	struct device_seen seen;
	struct account account;
	unsigned issuer;
};

/* *${counts}: not revoked, not at its end, of an account that exists. */
static enum sn_err read_entry(struct sn_txn *txn, const struct issuers *all,
    struct sn_bytes key, int64_t now, struct entry *out, bool *counts)
{
	enum sn_err err;

	*counts = false;
	if (key.n != DEVICE_FINGERPRINT)
		return (SN_ECORRUPT);
	if ((err = device_get(txn, key.p, &out->device)) != SN_OK ||
	    (err = account_get(txn, out->device.account, &out->account)) !=
		SN_OK)
		return (err == SN_ENOTFOUND ? SN_ECORRUPT : err);
	device_seen(txn, out->device.fingerprint, &out->seen);
	out->issuer = issuer_of(all, &out->device, &out->seen);
	*counts = !out->device.revoked && out->device.not_after > now &&
		  out->account.state != ACCOUNT_DELETED;
	return (SN_OK);
}

static json_t *describe(const struct issuers *all, const struct entry *e)
{
	char hex[2 * DEVICE_FINGERPRINT + 1], until[SN_CLOCK_TEXT];
	char last[SN_CLOCK_TEXT] = "";

	if (e->seen.time != 0)
		(void)sn_clock_rfc3339(
		    (int64_t)(e->seen.time / SN_MS_PER_S), last);
	return (json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:s}", "account",
	    e->account.name, "device", e->device.label, "serial",
	    e->device.serial, "issuer", e->device.issuer, "trusted",
	    e->issuer < all->count, "last_used", last, "not_after",
	    sn_clock_rfc3339(e->device.not_after, until), "fingerprint",
	    sn_bytes_hex(e->device.fingerprint, DEVICE_FINGERPRINT, hex)));
}

/* Which devices are asked for: those of one CA, by its name or the beginning
 * of its id; or of all that are superseded or no longer trusted. */
static bool is_asked(
    const struct issuers *all, const struct entry *e, const char *wanted)
{
	const struct gate_issuer *f = &all->facts[e->issuer];
	char hex[2 * SN_CERT_ISSUER + 1];

	if (wanted[0] == '\0')
		return (e->issuer == all->count || f->superseded);
	if (e->issuer == all->count)
		return (strcmp(e->device.issuer, wanted) == 0);
	(void)sn_bytes_hex(f->id, sizeof(f->id), hex);
	return (
	    strcmp(f->name, wanted) == 0 ||
	    (strlen(wanted) >= 8 && strncmp(hex, wanted, strlen(wanted)) == 0));
}

struct page {
	const char *wanted;
	struct sn_bytes after; /* A fingerprint, or empty: count as well. */
	json_t *devices;
	bool more;
};

static enum sn_err walk(
    struct sn_txn *txn, struct issuers *all, struct page *page)
{
	int64_t now = sn_clock_wall_s();
	struct sn_bytes key, value;
	struct sn_cursor *c;
	struct entry e;
	bool counts;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, DB_DEVICES, &c)) != SN_OK)
		return (err);
	err = page->after.n == 0 ? sn_cursor_first(c, &key, &value)
				 : sn_cursor_seek(c, page->after, &key, &value);
	if (err == SN_OK && sn_bytes_equal(key, page->after))
		err = sn_cursor_next(c, &key, &value);
	for (; err == SN_OK; err = sn_cursor_next(c, &key, &value)) {
		err = read_entry(txn, all, key, now, &e, &counts);
		if (err != SN_OK)
			break;
		if (!counts)
			continue;
		all->devices[e.issuer]++;
		if (page->more || !is_asked(all, &e, page->wanted))
			continue;
		page->more = json_array_size(page->devices) == PAGE;
		if (!page->more)
			(void)json_array_append_new(
			    page->devices, describe(all, &e));
		else if (page->after.n > 0)
			break; /* The first page has counted. */
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static json_t *summary(struct issuers *all)
{
	char hex[2 * SN_CERT_ISSUER + 1], until[SN_CLOCK_TEXT];
	json_t *out = json_array();

	for (unsigned i = 0; i < all->count; i++)
		(void)json_array_append_new(out,
		    json_pack("{s:s, s:s, s:s, s:b, s:b, s:I, s:i}", "issuer",
			all->facts[i].name, "id",
			sn_bytes_hex(all->facts[i].id, SN_CERT_ISSUER, hex),
			"not_after",
			sn_clock_rfc3339(all->facts[i].not_after, until),
			"trusted", 1, "superseded", all->facts[i].superseded,
			"devices", (json_int_t)all->devices[i], "sessions",
			(int)atomic_load(&all->sessions[i])));
	if (all->devices[all->count] > 0)
		(void)json_array_append_new(out,
		    json_pack("{s:s, s:s, s:s, s:b, s:b, s:I, s:i}", "issuer",
			"(no longer trusted)", "id", "", "not_after", "",
			"trusted", 0, "superseded", 1, "devices",
			(json_int_t)all->devices[all->count], "sessions", 0));
	return (out);
}

json_t *admin_ca_progress(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	const char *after = admin_text(request, "after");
	uint8_t from[DEVICE_FINGERPRINT];
	struct page page = { .wanted = admin_text(request, "issuer") };
	struct issuers all;
	struct sn_txn *txn;
	enum sn_err err;

	(void)fds;
	(void)count;
	if (after[0] != '\0') {
		if (!sn_bytes_unhex(after, from, sizeof(from)))
			return (admin_failed("usage", "no such page"));
		page.after = (struct sn_bytes){ from, sizeof(from) };
	}
	read_issuers(net, &all);
	net_each_loop(net, count_in, &all);
	page.devices = json_array();
	if ((err = sn_txn_read(net->store, &txn)) == SN_OK) {
		err = walk(txn, &all, &page);
		sn_txn_abort(txn);
	}
	if (err != SN_OK) {
		json_decref(page.devices);
		return (admin_failed(
		    "internal", "cannot read devices: %s", sn_err_text(err)));
	}
	return (json_pack("{s:b, s:o, s:o, s:b}", "ok", 1, "issuers",
	    summary(&all), "devices", page.devices, "more", page.more));
}
