#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/net/admin.h"
#include "server/net/farewell.h"
#include "server/net/reach.h"
#include "server/oplog/db.h"
#include "server/oplog/mapping.h"
#include "server/gate/subject_key.h"

#define PAGE 200

json_t *admin_account_reserve(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	const char *name = admin_text(request, "account");
	struct mapping namesake = { .account = 0 };
	struct account account;
	struct sn_txn *txn;
	uint64_t last = 0;
	bool taken = false;
	enum sn_err err;

	(void)fds;
	(void)count;
	if (!sn_name_account(sn_bytes_of(name)))
		return (admin_failed("invalid",
		    "\"%.80s\" is no account name: it has 1 to 64 of a-z 0-9 "
		    ". _ - and begins with a letter or digit",
		    name));
	if ((err = sn_txn_read(net->store, &txn)) == SN_OK) {
		err = account_find(txn, sn_bytes_of(name), &account);
		if (err == SN_ENOTFOUND) {
			err = db_meta(txn, DB_META_LAST_ACCOUNT, &last);
			if (err == SN_OK)
				err = reach_namesake(
				    txn, net->rule, name, &namesake, &taken);
		} else if (err == SN_OK)
			err = SN_EEXISTS;
		sn_txn_abort(txn);
	}
	if (err == SN_EEXISTS)
		return (admin_failed("exists",
		    "the account %s exists already; sicherctl account show %s",
		    name, name));
	if (err != SN_OK)
		return (admin_failed(
		    "internal", "cannot read accounts: %s", sn_err_text(err)));
	if (taken)
		return (admin_failed("refused",
		    "the subject \"%.160s\" is mapped to another account, and "
		    "would be ambiguous beside an account of this name; "
		    "sicherctl map list shows it",
		    namesake.text));
	/* What was reserved and never added is not in the log's counter. */
	if (net->last_reserved < last)
		net->last_reserved = last;
	net->last_reserved++;
	return (json_pack("{s:b, s:I}", "ok", 1, "account_id",
	    (json_int_t)net->last_reserved));
}

json_t *admin_account_add(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	struct op op = { .kind = OP_ACCOUNT_ADD, .time = sn_clock_wall_ms() };
	const char *name = admin_text(request, "account");
	const char *display = admin_text(request, "display");
	const char *role = admin_text(request, "role");
	struct account *a = &op.account;
	struct subject_key key;
	json_t *failure;

	(void)fds;
	(void)count;
	if (!sn_name_account(sn_bytes_of(name)) ||
	    strlen(display) > ACCOUNT_DISPLAY_MAX)
		return (admin_failed(
		    "invalid", "the name or the display name is not valid"));
	if (role[0] != '\0' && strcmp(role, "user") != 0 &&
	    strcmp(role, "operator") != 0)
		return (admin_failed(
		    "invalid", "a role is \"user\" or \"operator\""));
	a->id = (uint64_t)json_integer_value(
	    json_object_get(request, "account_id"));
	a->role =
	    strcmp(role, "operator") == 0 ? ACCOUNT_OPERATOR : ACCOUNT_USER;
	(void)snprintf(a->name, sizeof(a->name), "%s", name);
	(void)snprintf(a->display, sizeof(a->display), "%s", display);
	/* By rule dn a name leads nowhere; sicherctl map add does. */
	if (net->rule != SN_SUBJECT_DN) {
		subject_key_of_name(net->rule, sn_bytes_of(name), &key);
		memcpy(a->subject, key.bytes, key.len);
		a->subject_len = key.len;
	}
	if (!admin_apply(net, &op, &failure))
		return (failure);
	sn_log(SN_NOTICE, "account.added", "account=\"%s\" id=%llu", name,
	    (unsigned long long)a->id);
	return (json_pack("{s:b, s:s, s:I}", "ok", 1, "account", name,
	    "account_id", (json_int_t)a->id));
}

static json_t *describe(const struct account *a)
{
	char when[SN_CLOCK_TEXT];

	return (json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "account", a->name,
	    "account_id", (json_int_t)a->id, "state",
	    account_state_word(a->state), "role", account_role_word(a->role),
	    "display", a->display, "created",
	    sn_clock_rfc3339((int64_t)(a->created / SN_MS_PER_S), when)));
}

/* One page of accounts by name, behind the name ${after}. */
static enum sn_err list(
    struct sn_txn *txn, const char *after, json_t *out, bool *more)
{
	struct sn_bytes key = sn_bytes_of(after), from = key, value;
	struct sn_cursor *c;
	struct account a;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, DB_ACCOUNT_NAMES, &c)) != SN_OK)
		return (err);
	if (from.n == 0)
		err = sn_cursor_first(c, &key, &value);
	else
		err = sn_cursor_seek(c, from, &key, &value);
	if (err == SN_OK && from.n > 0 && sn_bytes_equal(key, from))
		err = sn_cursor_next(c, &key, &value);
	while (err == SN_OK) {
		if (json_array_size(out) == PAGE) {
			*more = true;
			break;
		}
		if ((err = account_find(txn, key, &a)) != SN_OK)
			break;
		(void)json_array_append_new(out, describe(&a));
		err = sn_cursor_next(c, &key, &value);
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

json_t *admin_account_list(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	json_t *accounts = json_array();
	struct sn_txn *txn;
	bool more = false;
	enum sn_err err;

	(void)fds;
	(void)count;
	if ((err = sn_txn_read(net->store, &txn)) == SN_OK) {
		err = list(txn, admin_text(request, "after"), accounts, &more);
		sn_txn_abort(txn);
	}
	if (err != SN_OK) {
		json_decref(accounts);
		return (admin_failed(
		    "internal", "cannot read accounts: %s", sn_err_text(err)));
	}
	return (json_pack(
	    "{s:b, s:o, s:b}", "ok", 1, "accounts", accounts, "more", more));
}

/* The ids of a page of accounts that are not deleted. */
static enum sn_err ids(
    struct sn_txn *txn, uint64_t after, json_t *out, bool *more)
{
	struct db_key from = db_key1(after + 1);
	struct sn_bytes key, value;
	struct sn_cursor *c;
	struct account a;
	uint64_t id;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, DB_ACCOUNTS, &c)) != SN_OK)
		return (err);
	err = sn_cursor_seek(c, db_bytes(&from), &key, &value);
	for (; err == SN_OK; err = sn_cursor_next(c, &key, &value)) {
		if (json_array_size(out) == 10 * PAGE) {
			*more = true;
			break;
		}
		if ((err = db_u64(key, &id)) != SN_OK ||
		    (err = account_get(txn, id, &a)) != SN_OK)
			break;
		if (a.state != ACCOUNT_DELETED)
			(void)json_array_append_new(
			    out, json_integer((json_int_t)id));
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

json_t *admin_account_ids(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	json_int_t after =
	    json_integer_value(json_object_get(request, "after"));
	json_t *out = json_array();
	struct sn_txn *txn;
	bool more = false;
	enum sn_err err;

	(void)fds;
	(void)count;
	if ((err = sn_txn_read(net->store, &txn)) == SN_OK) {
		err = ids(txn, (uint64_t)after, out, &more);
		sn_txn_abort(txn);
	}
	if (err != SN_OK) {
		json_decref(out);
		return (admin_failed(
		    "internal", "cannot read accounts: %s", sn_err_text(err)));
	}
	return (
	    json_pack("{s:b, s:o, s:b}", "ok", 1, "ids", out, "more", more));
}

json_t *admin_account_show(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	struct account account;
	json_t *reply;

	(void)fds;
	(void)count;
	if (!admin_find(net, request, &account, &reply))
		return (reply);
	reply = describe(&account);
	(void)json_object_set_new(reply, "ok", json_true());
	return (reply);
}

static json_t *set_state(struct net *net, const json_t *request,
    enum account_state state, const char *text)
{
	struct op op = { .kind = OP_ACCOUNT_STATE, .time = sn_clock_wall_ms() };
	struct account account;
	unsigned closed = 0;
	json_t *failure;

	if (!admin_find(net, request, &account, &failure))
		return (failure);
	op.account_state.account = account.id;
	op.account_state.state = state;
	if (!admin_apply(net, &op, &failure))
		return (failure);
	sn_log(SN_NOTICE, "account.state", "account=\"%s\" state=%s",
	    account.name, account_state_word(state));
	if (state != ACCOUNT_ACTIVE)
		closed = admin_close(net, account.id, NULL, "disabled", text);
	return (
	    json_pack("{s:b, s:s, s:I, s:i}", "ok", 1, "account", account.name,
		"account_id", (json_int_t)account.id, "closed", (int)closed));
}

json_t *admin_account_disable(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	(void)fds;
	(void)count;
	return (set_state(
	    net, request, ACCOUNT_DISABLED, "your account was disabled"));
}

json_t *admin_account_enable(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	(void)fds;
	(void)count;
	return (set_state(net, request, ACCOUNT_ACTIVE, ""));
}

json_t *admin_account_delete(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	struct account account;
	json_t *failure;

	(void)fds;
	(void)count;
	if (!admin_find(net, request, &account, &failure))
		return (failure);
	farewell(net, account.id);
	return (set_state(
	    net, request, ACCOUNT_DELETED, "your account was deleted"));
}
