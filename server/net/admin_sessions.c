#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/tls.h"
#include "server/net/admin.h"
#include "server/net/sweeper.h"
#include "server/gate/gate.h"

#define PAGE 200

struct closing {
	uint64_t account;
	const uint8_t *fingerprint;
	const char *code, *text;
	atomic_uint closed;
};

static void close_in(struct loop *loop, void *arg)
{
	struct closing *c = arg;
	struct sess *s, *next;

	for (s = loop->all; s != NULL; s = next) {
		next = s->next;
		if (s->account != c->account || s->state == SESS_DRAINING ||
		    (c->fingerprint != NULL &&
			memcmp(s->peer->fingerprint, c->fingerprint,
			    DEVICE_FINGERPRINT) != 0))
			continue;
		sess_expel(s, c->code, c->text);
		atomic_fetch_add(&c->closed, 1);
	}
}

unsigned admin_close(struct net *net, uint64_t account,
    const uint8_t *fingerprint, const char *code, const char *text)
{
	struct closing c = {
		.account = account,
		.fingerprint = fingerprint,
		.code = code,
		.text = text,
	};

	net_each_loop(net, close_in, &c);
	return (atomic_load(&c.closed));
}

/* A device of an account by its label, or its fingerprint in hex. */
static enum sn_err find_device(
    struct net *net, uint64_t account, const char *name, struct device *out)
{
	struct device d = { .account = account };
	char hex[2 * DEVICE_FINGERPRINT + 1];
	struct sn_txn *txn;
	unsigned matches = 0;
	bool found;
	enum sn_err err;

	if ((err = sn_txn_read(net->store, &txn)) != SN_OK)
		return (err);
	while (
	    (err = device_next(txn, account, &d, &found)) == SN_OK && found) {
		(void)sn_bytes_hex(d.fingerprint, DEVICE_FINGERPRINT, hex);
		if (strcmp(hex, name) == 0) {
			*out = d;
			matches = 1;
			break;
		}
		if (strcmp(d.label, name) == 0 && !d.revoked) {
			*out = d;
			matches++;
		}
	}
	sn_txn_abort(txn);
	if (err != SN_OK)
		return (err);
	if (matches == 0)
		return (SN_ENOTFOUND);
	return (matches == 1 ? SN_OK : SN_EINVAL);
}

static json_t *no_device(
    enum sn_err err, const char *account, const char *device)
{
	if (err == SN_ENOTFOUND)
		return (admin_failed("not-found",
		    "%s has no device \"%.80s\" that may be used; sicherctl "
		    "device list %s shows them",
		    account, device, account));
	if (err == SN_EINVAL)
		return (admin_failed("invalid",
		    "%s has several devices \"%.80s\"; name one by its "
		    "fingerprint, as sicherctl device list %s shows it",
		    account, device, account));
	return (admin_failed(
	    "internal", "cannot read devices: %s", sn_err_text(err)));
}

json_t *admin_kick(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	const char *device = admin_text(request, "device");
	bool reset = strcmp(admin_text(request, "code"), "password-reset") == 0;
	struct account account;
	struct device d;
	unsigned closed;
	json_t *failure;
	enum sn_err err;

	(void)fds;
	(void)count;
	if (!admin_find(net, request, &account, &failure))
		return (failure);
	if (device[0] != '\0' &&
	    (err = find_device(net, account.id, device, &d)) != SN_OK)
		return (no_device(err, account.name, device));
	closed = admin_close(net, account.id,
	    device[0] != '\0' ? d.fingerprint : NULL,
	    reset ? "password-reset" : "kicked",
	    reset ? "an administrator reset your password"
		  : "an administrator ended your session");
	return (json_pack("{s:b, s:I, s:i}", "ok", 1, "account_id",
	    (json_int_t)account.id, "closed", (int)closed));
}

static json_t *describe_device(struct sn_txn *txn, const struct device *d)
{
	char hex[2 * DEVICE_FINGERPRINT + 1], until[SN_CLOCK_TEXT];
	char first[SN_CLOCK_TEXT], last[SN_CLOCK_TEXT];
	struct device_seen seen;

	device_seen(txn, d->fingerprint, &seen);
	(void)sn_clock_rfc3339(d->not_after, until);
	(void)sn_clock_rfc3339((int64_t)(d->first / SN_MS_PER_S), first);
	(void)sn_clock_rfc3339((int64_t)(seen.time / SN_MS_PER_S), last);
	return (json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "device",
	    d->label, "fingerprint",
	    sn_bytes_hex(d->fingerprint, DEVICE_FINGERPRINT, hex), "serial",
	    d->serial, "issuer", d->issuer, "not_after", until, "first_used",
	    first, "last_used", seen.time != 0 ? last : "", "revoked",
	    d->revoked));
}

json_t *admin_device_list(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	json_t *devices = json_array(), *failure;
	struct device d = { .label = "" };
	struct account account;
	struct sn_txn *txn;
	bool found = true;
	enum sn_err err;

	(void)fds;
	(void)count;
	if (!admin_find(net, request, &account, &failure)) {
		json_decref(devices);
		return (failure);
	}
	if ((err = sn_txn_read(net->store, &txn)) == SN_OK) {
		while (
		    (err = device_next(txn, account.id, &d, &found)) == SN_OK &&
		    found)
			(void)json_array_append_new(
			    devices, describe_device(txn, &d));
		sn_txn_abort(txn);
	}
	if (err != SN_OK) {
		json_decref(devices);
		return (no_device(err, account.name, ""));
	}
	return (json_pack("{s:b, s:s, s:o}", "ok", 1, "account", account.name,
	    "devices", devices));
}

json_t *admin_device_revoke(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	struct op op = { .kind = OP_DEVICE_REVOKE, .time = sn_clock_wall_ms() };
	const char *device = admin_text(request, "device");
	struct account account;
	struct device d;
	unsigned closed;
	json_t *failure;
	enum sn_err err;

	(void)fds;
	(void)count;
	if (!admin_find(net, request, &account, &failure))
		return (failure);
	if ((err = find_device(net, account.id, device, &d)) != SN_OK)
		return (no_device(err, account.name, device));
	op.device_revoke.account = account.id;
	memcpy(op.device_revoke.fingerprint, d.fingerprint, DEVICE_FINGERPRINT);
	if (!admin_apply(net, &op, &failure))
		return (failure);
	sn_log(SN_NOTICE, "device.revoked",
	    "account=\"%s\" device=\"%s\" "
	    "serial=%s",
	    account.name, d.label, d.serial);
	closed = admin_close(net, account.id, d.fingerprint, "revoked",
	    "this device was revoked");
	return (json_pack("{s:b, s:I, s:s, s:i}", "ok", 1, "account_id",
	    (json_int_t)account.id, "serial", d.serial, "closed", (int)closed));
}

/* A page of sessions: those behind (loop, id) in that order. */
struct listing {
	unsigned after_loop;
	uint64_t after_id;
	json_t *pages[NET_LOOPS_MAX];
	bool more[NET_LOOPS_MAX];
};

static json_t *describe_session(const struct sess *s)
{
	char until[SN_CLOCK_TEXT], since[SN_CLOCK_TEXT];
	uint64_t age = (sn_clock_mono() - s->since) / SN_NS_PER_S;

	(void)sn_clock_rfc3339(s->peer->not_after, until);
	(void)sn_clock_rfc3339(sn_clock_wall_s() - (int64_t)age, since);
	return (
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I}",
		"account", s->account_name, "device", s->peer->label, "serial",
		s->peer->serial, "not_after", until, "address", s->address,
		"since", since, "cipher", sn_tls_cipher(s->tls), "messages_in",
		(json_int_t)s->messages_in, "messages_out",
		(json_int_t)s->messages_out, "loop", (json_int_t)s->loop->index,
		"id", (json_int_t)s->id));
}

static int by_id(const void *a, const void *b)
{
	const struct sess *const *x = a, *const *y = b;

	return ((*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id);
}

static void list_in(struct loop *loop, void *arg)
{
	struct listing *l = arg;
	json_t *page = json_array();
	struct sess **order;
	size_t n = 0;

	l->pages[loop->index] = page;
	if (loop->index < l->after_loop ||
	    (order = calloc(loop->count + 1, sizeof(struct sess *))) == NULL)
		return;
	for (struct sess *s = loop->all; s != NULL; s = s->next) {
		if (s->state != SESS_READY ||
		    (loop->index == l->after_loop && s->id <= l->after_id))
			continue;
		order[n++] = s;
	}
	if (n > 0)
		qsort(order, n, sizeof(struct sess *), by_id);
	for (size_t i = 0; i < n && i < PAGE; i++)
		(void)json_array_append_new(page, describe_session(order[i]));
	l->more[loop->index] = n > PAGE;
	free(order);
}

json_t *admin_sessions(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	const json_t *after = json_object_get(request, "after");
	json_t *out = json_array();
	struct listing l = { .after_loop = 0 };
	bool more = false;

	(void)fds;
	(void)count;
	l.after_loop =
	    (unsigned)json_integer_value(json_object_get(after, "loop"));
	l.after_id = (uint64_t)json_integer_value(json_object_get(after, "id"));
	net_each_loop(net, list_in, &l);
	for (unsigned i = 0; i < net->loop_count; i++) {
		size_t j;
		json_t *one;

		json_array_foreach(l.pages[i], j, one)
		{
			/* Behind a page that was cut nothing may follow. */
			if (more || json_array_size(out) == PAGE) {
				more = true;
				break;
			}
			(void)json_array_append(out, one);
		}
		more = more || l.more[i];
		json_decref(l.pages[i]);
	}
	return (json_pack(
	    "{s:b, s:o, s:b}", "ok", 1, "sessions", out, "more", more));
}

struct totals {
	atomic_uint sessions, ready, logging_in, in_line;
};

static void count_in(struct loop *loop, void *arg)
{
	struct totals *t = arg;

	atomic_fetch_add(&t->sessions, loop->count);
	atomic_fetch_add(&t->logging_in, loop->door.held.count);
	atomic_fetch_add(&t->in_line, loop->door.in_line);
	for (struct sess *s = loop->all; s != NULL; s = s->next) {
		if (s->state == SESS_READY)
			atomic_fetch_add(&t->ready, 1);
	}
}

json_t *admin_status(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	struct totals t = { 0, 0, 0, 0 };
	uint64_t head = oplog_head(net->log);
	char until[SN_CLOCK_TEXT];
	json_t *out;

	(void)request;
	(void)fds;
	(void)count;
	net_each_loop(net, count_in, &t);
	(void)sn_clock_rfc3339(gate_crl_until(net->gate), until);
	out = json_pack(
	    "{s:b, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:s, s:I, s:o, "
	    "s:b}",
	    "ok", 1, "loops", (int)net->loop_count, "connections",
	    (int)atomic_load(&t.sessions), "sessions",
	    (int)atomic_load(&t.ready), "logging_in",
	    (int)atomic_load(&t.logging_in), "waiting_to_log_in",
	    (int)atomic_load(&t.in_line), "head", (json_int_t)head, "uptime",
	    (json_int_t)((sn_clock_mono() - net->started) / SN_NS_PER_S), "crl",
	    (json_int_t)gate_crl_number(net->gate), "crl_next_update", until,
	    "faults", (json_int_t)atomic_load(&net->faults), "limits_reached",
	    limits_status(net), "draining", net->draining);
	sweeper_status(net->sweeper, out);
	crl_watch_status(net, out);
	cert_watch_status(net, out);
	return (out);
}
